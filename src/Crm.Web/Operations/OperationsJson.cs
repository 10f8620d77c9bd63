using System.Text.Json.Serialization;
using Crm.Application.Integrity;
using Crm.Application.Undo;
using Crm.EventStore.Projections;
using Crm.Web.Http;

namespace Crm.Web.Operations;

/// <summary>The JSON of the operators' routes, source-generated.</summary>
[JsonSerializable(typeof(ProjectionsBody))]
[JsonSerializable(typeof(JobBody))]
[JsonSerializable(typeof(ParkedBody))]
[JsonSerializable(typeof(RetryOutcome))]
[JsonSerializable(typeof(UndoRequest))]
[JsonSerializable(typeof(UndoReport))]
[JsonSerializable(typeof(IntegrityReport))]
[JsonSerializable(typeof(IntegrityBody))]
[JsonSerializable(typeof(RawJson))]
public sealed partial class OperationsJson : JsonSerializerContext
{
    /// <summary>The context with the wire's formats.</summary>
    public static OperationsJson Wire { get; } = new(WireFormats.Options());
}
