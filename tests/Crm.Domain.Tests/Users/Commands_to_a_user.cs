using Crm.Domain.Users;

namespace Crm.Domain.Tests.Users;

public static class UserFacts
{
    public static readonly UserRegistered Agent = new("Anna", "anna@example.com", Role.Agent, IsActive: true);
    public static readonly UserRegistered Admin = new("Boris", "boris@example.com", Role.Admin, IsActive: true);

    public static Spec<User, UserEvent> Given(params UserEvent[] history) => new(User.Aggregate, history);
}

public class Registering_a_user
{
    [Fact]
    public void is_recorded() =>
        UserFacts.Given().When(new RegisterUser("Anna", "anna@example.com", Role.Agent)).Then(UserFacts.Agent);

    [Fact]
    public void known_from_imported_history_only_needs_no_address() =>
        UserFacts.Given().When(new RegisterUser("10862", null, Role.Agent, IsActive: false))
            .Then(new UserRegistered("10862", null, Role.Agent, IsActive: false));

    [Fact]
    public void twice_is_refused() =>
        UserFacts.Given(UserFacts.Agent).When(new RegisterUser("Anna", "anna@example.com", Role.Agent))
            .ThenRefused(UserRefusals.AlreadyExists);

    [Fact]
    public void without_a_name_is_refused() =>
        UserFacts.Given().When(new RegisterUser(" ", "anna@example.com", Role.Agent)).ThenRefused(UserRefusals.NoName);

    [Fact]
    public void with_an_address_that_is_none_is_refused() =>
        UserFacts.Given().When(new RegisterUser("Anna", "anna", Role.Agent)).ThenRefused(UserRefusals.InvalidEmail);
}

public class Renaming_a_user
{
    [Fact]
    public void is_recorded() => UserFacts.Given(UserFacts.Agent).When(new RenameUser("Anne")).Then(new UserRenamed("Anne"));

    [Fact]
    public void to_the_same_name_changes_nothing() => UserFacts.Given(UserFacts.Agent).When(new RenameUser("Anna")).ThenNothing();

    [Fact]
    public void to_nothing_is_refused() => UserFacts.Given(UserFacts.Agent).When(new RenameUser("")).ThenRefused(UserRefusals.NoName);

    [Fact]
    public void who_is_not_there_is_refused() => UserFacts.Given().When(new RenameUser("Anne")).ThenRefused(UserRefusals.NotFound);
}

public class Changing_name_and_role_of_a_user_together
{
    [Fact]
    public void is_recorded_as_both() =>
        UserFacts.Given(UserFacts.Agent).When(new ChangeUser("Anne", Role.Manager, IsLastAdmin: false))
            .Then(new UserRenamed("Anne"), new UserRoleChanged(Role.Manager));

    [Fact]
    public void records_only_what_is_given() =>
        UserFacts.Given(UserFacts.Agent).When(new ChangeUser("Anne", Role: null, IsLastAdmin: false)).Then(new UserRenamed("Anne"));

    [Fact]
    public void to_what_it_is_changes_nothing() =>
        UserFacts.Given(UserFacts.Agent).When(new ChangeUser("Anna", Role.Agent, IsLastAdmin: false)).ThenNothing();

    [Fact]
    public void is_refused_whole_when_the_role_is() =>
        UserFacts.Given(UserFacts.Admin).When(new ChangeUser("Bo", Role.Agent, IsLastAdmin: true)).ThenRefused(UserRefusals.LastAdmin);

    [Fact]
    public void is_refused_whole_when_the_name_is() =>
        UserFacts.Given(UserFacts.Agent).When(new ChangeUser(" ", Role.Manager, IsLastAdmin: false)).ThenRefused(UserRefusals.NoName);

    [Fact]
    public void who_is_not_there_is_refused() =>
        UserFacts.Given().When(new ChangeUser(Name: null, Role: null, IsLastAdmin: false)).ThenRefused(UserRefusals.NotFound);
}

public class Changing_the_role_of_a_user
{
    [Fact]
    public void is_recorded() =>
        UserFacts.Given(UserFacts.Agent).When(new ChangeUserRole(Role.Manager, IsLastAdmin: false)).Then(new UserRoleChanged(Role.Manager));

    [Fact]
    public void to_the_same_role_changes_nothing() =>
        UserFacts.Given(UserFacts.Admin).When(new ChangeUserRole(Role.Admin, IsLastAdmin: true)).ThenNothing();

    [Fact]
    public void of_one_admin_among_others_is_recorded() =>
        UserFacts.Given(UserFacts.Admin).When(new ChangeUserRole(Role.Agent, IsLastAdmin: false)).Then(new UserRoleChanged(Role.Agent));

    [Fact]
    public void of_the_last_admin_is_refused() =>
        UserFacts.Given(UserFacts.Admin).When(new ChangeUserRole(Role.Agent, IsLastAdmin: true)).ThenRefused(UserRefusals.LastAdmin);

    [Fact]
    public void who_is_not_there_is_refused() =>
        UserFacts.Given().When(new ChangeUserRole(Role.Agent, IsLastAdmin: false)).ThenRefused(UserRefusals.NotFound);
}

public class Deactivating_a_user
{
    private static readonly DeactivateUser Leaves = new(IsOwnAccount: false, IsLastAdmin: false, "left");

    [Fact]
    public void is_recorded_with_its_reason() => UserFacts.Given(UserFacts.Agent).When(Leaves).Then(new UserDeactivated("left"));

    [Fact]
    public void twice_changes_nothing() =>
        UserFacts.Given(UserFacts.Agent, new UserDeactivated("left")).When(Leaves with { IsOwnAccount = true }).ThenNothing();

    [Fact]
    public void by_themselves_is_refused() =>
        UserFacts.Given(UserFacts.Agent).When(Leaves with { IsOwnAccount = true }).ThenRefused(UserRefusals.OwnAccount);

    [Fact]
    public void who_is_the_last_admin_is_refused() =>
        UserFacts.Given(UserFacts.Admin).When(Leaves with { IsLastAdmin = true }).ThenRefused(UserRefusals.LastAdmin);

    [Fact]
    public void who_is_not_there_is_refused() => UserFacts.Given().When(Leaves).ThenRefused(UserRefusals.NotFound);
}

public class Activating_a_user
{
    [Fact]
    public void is_recorded_with_its_reason() =>
        UserFacts.Given(UserFacts.Agent, new UserDeactivated(null)).When(new ActivateUser("back")).Then(new UserActivated("back"));

    [Fact]
    public void who_is_active_changes_nothing() => UserFacts.Given(UserFacts.Agent).When(new ActivateUser(null)).ThenNothing();

    [Fact]
    public void who_is_not_there_is_refused() => UserFacts.Given().When(new ActivateUser(null)).ThenRefused(UserRefusals.NotFound);
}
