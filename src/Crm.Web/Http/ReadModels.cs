using Npgsql;

namespace Crm.Web.Http;

/// <summary>Where queries read: the read models, by a pool of their own.</summary>
/// <param name="Database">The pool. Its sessions change nothing.</param>
public sealed record ReadModels(NpgsqlDataSource Database);
