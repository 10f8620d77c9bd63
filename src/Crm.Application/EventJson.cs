using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Crm.Domain;
using Crm.Domain.Access;
using Crm.Domain.ApiKeys;
using Crm.Domain.Leads;
using Crm.Domain.Teams;
using Crm.Domain.Users;
using Crm.EventStore.Log;
using Crm.EventStore.Sealing;

namespace Crm.Application;

/// <summary>
/// How every event is written to the log and read from it: camelCase, enums as words, absent values omitted, unknown members passed
/// over on read. The stored names are the domain's; this is where a stored name meets its stream, its JSON, its older shapes, and what of
/// it is personal.
/// </summary>
public static class EventJson
{
    /// <summary>Every event type that the log may hold.</summary>
    public static EventCatalog Catalog { get; } = new(
    [
        .. EntriesOf(Lead.Aggregate.StreamType, LeadEvent.StoredNames),
        .. EntriesOf(User.Aggregate.StreamType, UserEvent.StoredNames),
        .. EntriesOf("team", TeamEvent.StoredNames),
        .. EntriesOf(AccessEvent.StreamType, AccessEvent.StoredNames),
        .. EntriesOf("api-key", ApiKeyEvent.StoredNames),
    ]);

    private static IEnumerable<EventCatalog.Entry> EntriesOf(string streamType, IReadOnlyDictionary<string, Type> storedNames) =>
        storedNames.Select(stored => EntryOf(stored, streamType, UpcastOf(stored.Key)));

    private static EventCatalog.Entry EntryOf(
        KeyValuePair<string, Type> stored, string streamType, EventCatalog.Upcast? upcast) =>
        new(stored.Key, streamType, stored.Value, JsonOf(stored.Value), upcast, PersonalMembers.Of(JsonOf(stored.Value), MarkOf))
        {
            Erases = stored.Value == typeof(LeadErased),
        };

    /// <summary>Whether the domain marks a member as personal.</summary>
    private static PersonalMark? MarkOf(JsonPropertyInfo member) =>
        member.AttributeProvider?.GetCustomAttributes(typeof(PersonalAttribute), inherit: false) is [PersonalAttribute mark]
            ? new PersonalMark(mark.ErasedAs)
            : null;

    /// <summary>The upcaster of an event that was once stored in another shape; null for one that never was.</summary>
    private static EventCatalog.Upcast? UpcastOf(string storedName) => storedName switch
    {
        "lead-captured" => new EventCatalog.Upcast("details", LeadCapturedUpcast.ToDetails),
        _ => null,
    };

    private static JsonTypeInfo JsonOf(Type type) => EventJsonContext.Default.GetTypeInfo(type)
        ?? throw new InvalidOperationException($"{type.Name} has a stored name but is not listed in {nameof(EventJsonContext)}.");
}

/// <summary>The source-generated JSON of all events. A new event is listed here; a test says so if it is forgotten.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Skip,
    RespectNullableAnnotations = true,
    Converters =
    [
        typeof(WordOf<LeadStatus>),
        typeof(WordOf<ActivityKind>),
        typeof(WordOf<ActivityDirection>),
        typeof(WordOf<Role>),
        typeof(WordOf<Oversight>),
        typeof(WordOf<SignInMethod>),
        typeof(WordOf<SessionEnding>),
        typeof(WordOf<SignInFailure>),
        typeof(WordOf<SensitiveSubject>),
    ])]
[JsonSerializable(typeof(LeadCaptured))]
[JsonSerializable(typeof(LeadContactDetailsChanged))]
[JsonSerializable(typeof(LeadCompanyChanged))]
[JsonSerializable(typeof(LeadValueChanged))]
[JsonSerializable(typeof(LeadSourceChanged))]
[JsonSerializable(typeof(LeadTagsChanged))]
[JsonSerializable(typeof(LeadExternalIdChanged))]
[JsonSerializable(typeof(LeadAssigned))]
[JsonSerializable(typeof(LeadClaimed))]
[JsonSerializable(typeof(LeadUnassigned))]
[JsonSerializable(typeof(LeadTransferred))]
[JsonSerializable(typeof(LeadAssignmentCompleted))]
[JsonSerializable(typeof(LeadActivityLogged))]
[JsonSerializable(typeof(LeadNoteAdded))]
[JsonSerializable(typeof(LeadContacted))]
[JsonSerializable(typeof(LeadQualified))]
[JsonSerializable(typeof(LeadDisqualified))]
[JsonSerializable(typeof(LeadReopened))]
[JsonSerializable(typeof(LeadConverted))]
[JsonSerializable(typeof(LeadUnconverted))]
[JsonSerializable(typeof(LeadArchived))]
[JsonSerializable(typeof(LeadUnarchived))]
[JsonSerializable(typeof(LeadRestored))]
[JsonSerializable(typeof(LeadScoreChanged))]
[JsonSerializable(typeof(LeadErased))]
[JsonSerializable(typeof(LeadChangesReversed))]
[JsonSerializable(typeof(LeadCaptureTimeCorrected))]
[JsonSerializable(typeof(UserRegistered))]
[JsonSerializable(typeof(UserRenamed))]
[JsonSerializable(typeof(UserRoleChanged))]
[JsonSerializable(typeof(UserDeactivated))]
[JsonSerializable(typeof(UserActivated))]
[JsonSerializable(typeof(UserOversightChanged))]
[JsonSerializable(typeof(UserIdentityLinked))]
[JsonSerializable(typeof(TeamFormed))]
[JsonSerializable(typeof(TeamRenamed))]
[JsonSerializable(typeof(TeamMemberAdded))]
[JsonSerializable(typeof(TeamMemberRemoved))]
[JsonSerializable(typeof(TeamDisbanded))]
[JsonSerializable(typeof(SignedIn))]
[JsonSerializable(typeof(SessionEnded))]
[JsonSerializable(typeof(SignInFailed))]
[JsonSerializable(typeof(SignInDelayed))]
[JsonSerializable(typeof(SignInUnlocked))]
[JsonSerializable(typeof(PasswordChanged))]
[JsonSerializable(typeof(PasswordResetIssued))]
[JsonSerializable(typeof(PasswordReset))]
[JsonSerializable(typeof(SecondFactorEnabled))]
[JsonSerializable(typeof(SecondFactorRemoved))]
[JsonSerializable(typeof(RecoveryCodeUsed))]
[JsonSerializable(typeof(SigningKeyRotated))]
[JsonSerializable(typeof(SigningKeyWithdrawn))]
[JsonSerializable(typeof(MasterKeyRotated))]
[JsonSerializable(typeof(SensitiveRead))]
[JsonSerializable(typeof(ApiKeyIssued))]
[JsonSerializable(typeof(ApiKeyRevoked))]
internal sealed partial class EventJsonContext : JsonSerializerContext;

/// <summary>An enum as its word, of several parts with hyphens; a number is refused, since a reordered enum would change its meaning.</summary>
public sealed class WordOf<TEnum>() : JsonStringEnumConverter<TEnum>(JsonNamingPolicy.KebabCaseLower, allowIntegerValues: false)
    where TEnum : struct, Enum;
