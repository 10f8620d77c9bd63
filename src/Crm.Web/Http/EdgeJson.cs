using System.Text.Json;
using System.Text.Json.Serialization;

namespace Crm.Web.Http;

/// <summary>The JSON of what every route shares: problems and commands' answers.</summary>
[JsonSerializable(typeof(Problem))]
[JsonSerializable(typeof(CommandAnswerBody))]
[JsonSerializable(typeof(NoBody))]
[JsonSerializable(typeof(JsonElement))]
public sealed partial class EdgeJson : JsonSerializerContext
{
    /// <summary>The context with the wire's formats.</summary>
    public static EdgeJson Wire { get; } = new(WireFormats.Options(JsonIgnoreCondition.WhenWritingNull));
}
