using Crm.Domain.Users;
using Crm.EventStore.Log;

namespace Crm.Application.Import;

/// <summary>
/// The people whom a source names, as users: each is registered once, inactive and without an address, under the name that the
/// source gives them.
/// </summary>
internal sealed class KnownAgents(EventLog log, string source, int limit = 50_000)
{
    /// <summary>The scope of users' names in other systems among the log's unique keys.</summary>
    public const string Scope = "user-external-id";

    private readonly Dictionary<string, Guid> registered = new(StringComparer.Ordinal);
    private readonly Dictionary<string, StreamAppend> registrations = new(StringComparer.Ordinal);

    /// <summary>The users that the rows since the last time register, with the keys they claim.</summary>
    public IReadOnlyList<(StreamAppend Append, UniqueKey Claim)> TakeRegistrations()
    {
        var taken = registrations.Select(each => (each.Value, new UniqueKey(Scope, KeyOf(each.Key), each.Value.StreamId))).ToList();
        registrations.Clear();
        return taken;
    }

    /// <summary>Looks up which of these people are registered.</summary>
    public async Task Load(IEnumerable<string> names, CancellationToken ct)
    {
        if (registered.Count > limit)
        {
            registered.Clear();
        }

        string[] unknown = [.. names.ToHashSet(StringComparer.Ordinal).Where(name => !registered.ContainsKey(name))];
        if (unknown.Length == 0)
        {
            return;
        }

        var holders = await log.FindHolders(Scope, [.. unknown.Select(KeyOf)], ct);
        foreach (var name in unknown)
        {
            if (holders.TryGetValue(KeyOf(name), out var user))
            {
                registered[name] = user;
            }
        }
    }

    /// <summary>The user that a name stands for, who is registered with these rows if need be.</summary>
    /// <param name="name">The name that the source gives.</param>
    /// <param name="at">When the source first names them.</param>
    public Guid UserOf(string name, DateTimeOffset at)
    {
        if (!registered.TryGetValue(name, out var user))
        {
            user = DerivedId.Of("user", source, name);
            registered.Add(name, user);
            registrations.Add(name, new StreamAppend(user, User.Aggregate.StreamType, ExpectedVersion: 0,
            [
                new NewEvent(
                    DerivedId.Of("user-registered", source, name), new UserRegistered(name, Email: null, Role.Agent, IsActive: false), at)
                {
                    Envelope = Envelope.System,
                },
            ]));
        }

        return user;
    }

    /// <summary>Forgets all: what was expected of the log did not come true.</summary>
    public void Forget()
    {
        registered.Clear();
        registrations.Clear();
    }

    private string KeyOf(string name) => $"{source}:{name}";
}
