namespace Crm.Web.Security;

/// <summary>One of our keys and its time.</summary>
/// <param name="Key">The key.</param>
/// <param name="CreatedAt">When it was made; for a key from a file, when this host read it.</param>
/// <param name="ActiveFrom">From when tokens are signed with it; every host knows it before.</param>
/// <param name="RetiresAt">From when it is no longer taken; null while no other has followed it.</param>
public record OurKey(SigningKey Key, DateTimeOffset CreatedAt, DateTimeOffset ActiveFrom, DateTimeOffset? RetiresAt);
