using System.Text.Json;

namespace Crm.Web.Tests.Security.Permissions;

/// <summary>
/// A company with two teams: North with a manager, an agent and a team-mate of theirs; South with a stranger. The manager of North
/// oversees teams only; another oversees the company.
/// </summary>
public sealed class Company : IAsyncLifetime
{
    public const string Password = TestHost.UserPassword;

    private readonly Dictionary<string, SignedInUser> people = new(StringComparer.Ordinal);

    public TestHost Host { get; } = new();

    public Guid North { get; private set; }

    public Guid South { get; private set; }

    /// <summary>The position of the last thing that was done here.</summary>
    public long Last { get; private set; }

    public SignedInUser this[string person] => people[person];

    /// <summary>Two agents who share a team, signed in after they joined it.</summary>
    public static async Task<(SignedInUser One, SignedInUser Other)> TwoOfATeam(TestHost host)
    {
        var admin = await host.Admin();
        var (one, first) = await Register(admin, "agent");
        var (other, second) = await Register(admin, "agent");
        await Team(admin, one, other);
        return (await host.SignIn(first, Password), await host.SignIn(second, Password));
    }

    public async ValueTask InitializeAsync()
    {
        await Host.InitializeAsync();
        var admin = await Host.Admin();
        people["admin"] = admin;
        var registered = new Dictionary<string, (Guid Id, string Email)>(StringComparer.Ordinal);
        foreach (var (person, role, oversight) in new[]
        {
            ("auditor", "auditor", "company"), ("ops", "ops", "company"), ("overseer", "manager", "company"),
            ("manager", "manager", "teams"), ("agent", "agent", "company"), ("mate", "agent", "company"), ("stranger", "agent", "company"),
        })
        {
            registered[person] = await Register(admin, role, oversight);
        }

        North = await Team(admin, registered["manager"].Id, registered["agent"].Id, registered["mate"].Id);
        South = await Team(admin, registered["stranger"].Id);
        foreach (var (person, (_, email)) in registered)
        {
            people[person] = await Host.SignIn(email, Password);
        }
    }

    public ValueTask DisposeAsync() => Host.DisposeAsync();

    /// <summary>A new lead of somebody, or of nobody.</summary>
    public async Task<Guid> LeadOf(string? person, string source = "company", string lastName = "Lovelace")
    {
        var owner = person is null ? "" : $",\"ownerId\":\"{people[person].Id}\"";
        var answer = (await people["admin"].Post("/leads", $$"""{"lastName":"{{lastName}}","source":"{{source}}"{{owner}}}""")).Is(201);
        Last = answer.Position;
        return answer.Id;
    }

    /// <summary>Remembers that something was done up to this position.</summary>
    public Answer Did(Answer answer)
    {
        Last = answer.Is(200).Position;
        return answer;
    }

    /// <summary>What somebody reads once it holds everything that was done here; a busy machine may need some tries.</summary>
    public async Task<Answer> Read(string person, string path)
    {
        for (var left = 12; ; left--)
        {
            var answer = await people[person].GetAfter(Last, path);
            if (answer.Status != 503 || left == 0)
            {
                return answer.Is(200);
            }
        }
    }

    /// <summary>Another session of somebody, which may be ended.</summary>
    public Task<SignedInUser> Again(string person) =>
        Host.SignIn(people[person].Email, person == "admin" ? TestHost.AdminPassword : Password);

    public HttpClient Anonymous() => Host.CreateClient();

    private static async Task<(Guid Id, string Email)> Register(SignedInUser admin, string role, string oversight = "company")
    {
        var email = $"{role}-{Guid.NewGuid():N}@example.com";
        var body = JsonSerializer.Serialize(new { name = $"A {role}", email, password = Password, role, oversight });
        return ((await admin.Post("/users", body)).Is(201).Id, email);
    }

    private static async Task<Guid> Team(SignedInUser admin, params Guid[] members)
    {
        var team = (await admin.Post("/teams", $$"""{"name":"{{Guid.NewGuid():N}}"}""")).Is(201).Id;
        foreach (var member in members)
        {
            (await admin.Post($"/teams/{team}/members", $$"""{"userId":"{{member}}"}""")).Is(200);
        }

        return team;
    }
}
