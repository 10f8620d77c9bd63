using Crm.Domain.Leads;

namespace Crm.Projections;

/// <summary>The words that stand in read models for the domain's closed sets: the same that the API speaks.</summary>
public static class Words
{
    /// <summary>The word of a status.</summary>
    public static string Of(LeadStatus status) => status switch
    {
        LeadStatus.Missing => "missing",
        LeadStatus.New => "new",
        LeadStatus.Contacted => "contacted",
        LeadStatus.Qualified => "qualified",
        LeadStatus.Converted => "converted",
        LeadStatus.Disqualified => "disqualified",
    };

    /// <summary>The status of a word.</summary>
    public static LeadStatus Status(string word) => word switch
    {
        "missing" => LeadStatus.Missing,
        "new" => LeadStatus.New,
        "contacted" => LeadStatus.Contacted,
        "qualified" => LeadStatus.Qualified,
        "converted" => LeadStatus.Converted,
        "disqualified" => LeadStatus.Disqualified,
        _ => throw new ArgumentOutOfRangeException(nameof(word), word, "No such status."),
    };

    /// <summary>The word of a temperature.</summary>
    public static string Of(Temperature temperature) => temperature switch
    {
        Temperature.Cold => "cold",
        Temperature.Cool => "cool",
        Temperature.Warm => "warm",
        Temperature.Hot => "hot",
    };

    /// <summary>The word of a kind of activity.</summary>
    public static string Of(ActivityKind kind) => kind switch
    {
        ActivityKind.Call => "call",
        ActivityKind.Email => "email",
        ActivityKind.Meeting => "meeting",
        ActivityKind.Sms => "sms",
        ActivityKind.Visit => "visit",
    };

    /// <summary>The word of an activity's direction.</summary>
    public static string Of(ActivityDirection direction) => direction switch
    {
        ActivityDirection.In => "in",
        ActivityDirection.Out => "out",
    };
}
