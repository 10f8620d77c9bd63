using System.Text.Json.Serialization;
using Crm.Application;
using Crm.Application.Drill;
using Crm.Application.Import;
using Crm.Application.Integrity;
using Crm.Application.Recovery;
using Crm.Application.Rescoring;
using Crm.Application.Retention;
using Crm.Application.Seeding;
using Crm.Application.Undo;
using Crm.Domain.Leads;
using Crm.EventStore.Archives;
using Crm.EventStore.Audit;
using Crm.EventStore.Projections;
using Crm.Web.Audit;
using Crm.Web.Hosting;
using Crm.Web.Security;

namespace Crm.Web.Cli;

/// <summary>The JSON that verbs answer with.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true,
    Converters = [typeof(WordOf<UndoneLeadOutcome>), typeof(WordOf<FieldOutcome>), typeof(WordOf<CheckKind>), typeof(WordOf<Severity>),
        typeof(FindingWords), typeof(WordOf<RetentionStep>)])]
[JsonSerializable(typeof(ImportReport))]
[JsonSerializable(typeof(RecoveryReport))]
[JsonSerializable(typeof(RestoreReport))]
[JsonSerializable(typeof(BackupReport))]
[JsonSerializable(typeof(DrillReport))]
[JsonSerializable(typeof(ArchiveCheckReport))]
[JsonSerializable(typeof(PruneReport))]
[JsonSerializable(typeof(ArchiveVerbs.TakenOut))]
[JsonSerializable(typeof(ExportVerb.Exported))]
[JsonSerializable(typeof(IReadOnlyList<ProjectionStatus>))]
[JsonSerializable(typeof(List<RebuildReport>))]
[JsonSerializable(typeof(SeedReport))]
[JsonSerializable(typeof(UndoReport))]
[JsonSerializable(typeof(SwitchVerb.Switched))]
[JsonSerializable(typeof(RestorationReport))]
[JsonSerializable(typeof(AuditDiffBody))]
[JsonSerializable(typeof(IntegrityReport))]
[JsonSerializable(typeof(RepairReport))]
[JsonSerializable(typeof(RescoringReport))]
[JsonSerializable(typeof(RetentionReport))]
[JsonSerializable(typeof(PersonVerbs.WasErased))]
[JsonSerializable(typeof(PersonVerbs.WouldErase))]
[JsonSerializable(typeof(PersonVerbs.Told))]
[JsonSerializable(typeof(MigrateVerb.Applied))]
[JsonSerializable(typeof(IReadOnlyList<SettingFinding>))]
[JsonSerializable(typeof(SigningKeyBody))]
[JsonSerializable(typeof(MasterKeyRotationReport))]
[JsonSerializable(typeof(SigningKeysBody))]
[JsonSerializable(typeof(VerificationReport))]
[JsonSerializable(typeof(AuditKeysBody))]
[JsonSerializable(typeof(AuditVerbs.HeadsBrought))]
[JsonSerializable(typeof(AuditVerbs.HistoryExported))]
[JsonSerializable(typeof(CheckpointBody))]
internal sealed partial class CliJson : JsonSerializerContext;
