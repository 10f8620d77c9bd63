using Crm.Application.Retention;
using Crm.Domain.Leads;

namespace Crm.Application.Tests.Retention;

public class Rules_of_retention
{
    private static readonly DateTimeOffset Now = new(2026, 6, 15, 12, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData(0, null, 30)]
    [InlineData(null, 0, 30)]
    [InlineData(12, 11, 30)]
    [InlineData(12, 36, 0)]
    [InlineData(12, int.MaxValue, 30)]
    public void knows_rules_that_cannot_be_meant(int? archive, int? erase, int days) =>
        Assert.NotNull(new RetentionRules(archive, erase, days).Fault);

    [Fact]
    public void is_off_unless_told()
    {
        Assert.False(new RetentionRules(null, null).IsOn);
        var quiet = new QuietLead(Lead.Initial with { Status = LeadStatus.New }, DateTimeOffset.MinValue, null);
        Assert.Null(new RetentionRules(null, null).Due(quiet, Now));
        Assert.Null(new RetentionRules(12, 36).Fault);
    }
}
