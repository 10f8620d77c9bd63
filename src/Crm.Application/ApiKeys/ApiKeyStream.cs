using Crm.Application.Permissions;
using Crm.Domain.ApiKeys;
using Crm.EventStore.Log;

namespace Crm.Application.ApiKeys;

/// <summary>An API key's stream.</summary>
public static class ApiKeyStream
{
    /// <summary>How commands meet it.</summary>
    public static StreamKind<ApiKey, ApiKeyEvent> Kind { get; } =
        new(ApiKey.Aggregate, (_, _) => [], ApiKeyRefusals.AlreadyExists, AdminsOnly.Of);

    /// <summary>An API key as the log has it now; <see cref="ApiKey.Initial"/> when there is no such key.</summary>
    public static async Task<ApiKey> ReadApiKey(this EventLog log, Guid id, CancellationToken ct) => Fold(await log.ReadStream(id, ct));

    /// <summary>The key whose history this is.</summary>
    public static ApiKey Fold(IReadOnlyList<RecordedEvent> history) => history is [{ Data: ApiKeyEvent }, ..]
        ? ApiKey.Aggregate.Fold(history.Select(recorded => (ApiKeyEvent)recorded.Data))
        : ApiKey.Initial;
}
