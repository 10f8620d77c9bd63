using Crm.Domain.Users;

namespace Crm.Domain.Tests.Users;

public class Evolving_a_user
{
    private static readonly User Before =
        User.Initial with { Exists = true, Name = "Anna", Email = "anna@example.com", Role = Role.Agent, IsActive = true };

    /// <summary>What each event makes of the user above.</summary>
    private static readonly Dictionary<UserEvent, User> After = new()
    {
        [new UserRegistered("Boris", null, Role.Admin, IsActive: false)] =
            Before with { Name = "Boris", Email = null, Role = Role.Admin, IsActive = false },
        [new UserRenamed("Anne")] = Before with { Name = "Anne" },
        [new UserRoleChanged(Role.Manager)] = Before with { Role = Role.Manager },
        [new UserDeactivated(null)] = Before with { IsActive = false },
        [new UserActivated(null)] = Before,
        [new UserOversightChanged(Oversight.Teams)] = Before with { Oversight = Oversight.Teams },
        [new UserIdentityLinked("https://sso.example.com", "1")] = Before with { Identity = new("https://sso.example.com", "1") },
    };

    [Fact]
    public void gives_the_state_that_each_event_means() =>
        Assert.All(After, expected => Assert.Equal(expected.Value, User.Evolve(Before, expected.Key)));

    [Fact]
    public void knows_every_stored_type() =>
        Assert.Empty(UserEvent.StoredNames.Values.Except(After.Keys.Select(happened => happened.GetType())));
}
