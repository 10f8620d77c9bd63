namespace Crm.Web.Http;

/// <summary>The headers by which a reader sees its own writes.</summary>
public static class ReadHeaders
{
    /// <summary>Up to which position of the log an answer goes.</summary>
    public const string EventPosition = "Event-Position";

    /// <summary>Up to which position a reader wants its answer to go at least.</summary>
    public const string AfterPosition = "After-Position";
}
