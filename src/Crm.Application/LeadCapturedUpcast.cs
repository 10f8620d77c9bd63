using System.Text.Json;
using System.Text.Json.Nodes;

namespace Crm.Application;

/// <summary>Reads <c>lead-captured</c> in the shape of the first drafts: details flat beside the score, no version of the rules.</summary>
internal static class LeadCapturedUpcast
{
    private static readonly string[] DetailFields =
        ["firstName", "lastName", "email", "phone", "company", "source", "value", "tags", "externalId"];

    /// <summary>Gathers the flat details under <c>details</c>; what is no shape at all passes unchanged.</summary>
    public static JsonElement ToDetails(JsonElement stored)
    {
        if (stored.ValueKind is not JsonValueKind.Object)
        {
            return stored;
        }

        var details = new JsonObject();
        foreach (var field in DetailFields)
        {
            if (stored.TryGetProperty(field, out var value) && value.ValueKind is not JsonValueKind.Null)
            {
                details[field] = JsonNode.Parse(value.GetRawText());
            }
        }

        // The drafts knew only the first rules, so their absence says which rules they were scored by.
        var upcast = new JsonObject
        {
            ["details"] = details,
            ["score"] = stored.TryGetProperty("score", out var score) ? JsonNode.Parse(score.GetRawText()) : 0,
            ["scoreRules"] = 1,
        };
        return JsonSerializer.SerializeToElement(upcast);
    }
}
