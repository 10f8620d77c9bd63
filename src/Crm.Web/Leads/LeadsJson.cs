using System.Text.Json.Serialization;
using Crm.Web.Http;

namespace Crm.Web.Leads;

/// <summary>The JSON of the leads' requests and answers, source-generated.</summary>
[JsonSerializable(typeof(CaptureLeadRequest))]
[JsonSerializable(typeof(ChangeLeadRequest))]
[JsonSerializable(typeof(AssignLeadRequest))]
[JsonSerializable(typeof(TransferLeadRequest))]
[JsonSerializable(typeof(CompleteAssignmentRequest))]
[JsonSerializable(typeof(LogActivityRequest))]
[JsonSerializable(typeof(AddNoteRequest))]
[JsonSerializable(typeof(QualifyLeadRequest))]
[JsonSerializable(typeof(ReasonRequest))]
[JsonSerializable(typeof(ConvertLeadRequest))]
[JsonSerializable(typeof(RestoreLeadRequest))]
[JsonSerializable(typeof(LeadBody))]
[JsonSerializable(typeof(HistoryBody))]
[JsonSerializable(typeof(ScoreBody))]
[JsonSerializable(typeof(LeadsBody))]
[JsonSerializable(typeof(TimelineBody))]
[JsonSerializable(typeof(EraseLeadRequest))]
[JsonSerializable(typeof(ErasurePreviewBody))]
[JsonSerializable(typeof(ErasureCertificateBody))]
[JsonSerializable(typeof(PersonalDataBody))]
public sealed partial class LeadsJson : JsonSerializerContext
{
    /// <summary>The context with the wire's formats.</summary>
    public static LeadsJson Wire { get; } = new(WireFormats.Options());
}
