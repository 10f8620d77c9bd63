namespace Crm.EventStore.LocalPostgres;

/// <summary>The product's own PostgreSQL cannot be started; the message says what is wrong and what to do about it.</summary>
public sealed class LocalPostgresException(string message, Exception? inner = null) : Exception(message, inner);
