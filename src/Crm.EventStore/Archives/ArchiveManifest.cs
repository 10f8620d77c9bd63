using System.Text.Json.Serialization;

namespace Crm.EventStore.Archives;

/// <summary>One segment of an archive: the events of some positions that follow each other.</summary>
/// <param name="First">The first position.</param>
/// <param name="Last">The last position.</param>
/// <param name="Streams">How many streams begin in it.</param>
/// <param name="Types">How many events of each stored name it holds.</param>
/// <param name="File">The file.</param>
public sealed record ArchiveSegment(long First, long Last, long Streams, IReadOnlyDictionary<string, long> Types, ArchiveFile File)
{
    /// <summary>How many events it holds.</summary>
    [JsonIgnore]
    public long Events => Last - First + 1;
}

/// <summary>What an archive holds, in numbers.</summary>
/// <param name="Events">Events.</param>
/// <param name="Streams">Streams.</param>
/// <param name="Types">Events of each stored name: as many leads as <c>lead-captured</c>, and so on.</param>
public sealed record ArchiveCounts(long Events, long Streams, IReadOnlyDictionary<string, long> Types)
{
    /// <summary>Nothing.</summary>
    public static ArchiveCounts None { get; } = new(0, 0, new Dictionary<string, long>(StringComparer.Ordinal));

    /// <summary>What some segments hold together.</summary>
    public static ArchiveCounts Of(IEnumerable<ArchiveSegment> segments)
    {
        var types = new SortedDictionary<string, long>(StringComparer.Ordinal);
        var (events, streams) = (0L, 0L);
        foreach (var segment in segments)
        {
            (events, streams) = (events + segment.Events, streams + segment.Streams);
            foreach (var (type, count) in segment.Types)
            {
                types[type] = types.GetValueOrDefault(type) + count;
            }
        }

        return new ArchiveCounts(events, streams, types);
    }

    /// <summary>How many events of a stored name there are.</summary>
    public long Of(string type) => Types.GetValueOrDefault(type);

    /// <summary>Whether two say the same.</summary>
    public bool Same(ArchiveCounts other) => (Events, Streams) == (other.Events, other.Streams)
        && Types.Count == other.Types.Count && Types.All(each => other.Of(each.Key) == each.Value);
}

/// <summary>One run of a backup: by its position the log can be restored as it stood then.</summary>
/// <param name="At">When.</param>
/// <param name="Position">The last position that the archive held after it.</param>
public sealed record ArchiveRun(DateTimeOffset At, long Position);

/// <summary>The head of the audit tree over the archive's events.</summary>
/// <param name="Size">How many events: the last position.</param>
/// <param name="Root">The root, in base64.</param>
public sealed record ArchiveTreeHead(long Size, string Root);

/// <summary>How an archive is encrypted.</summary>
/// <param name="Scheme">The scheme's name; docs/archives.md says what it is.</param>
/// <param name="KeyId">By which the key is known.</param>
public sealed record ArchiveEncryption(string Scheme, string KeyId)
{
    /// <summary>The only scheme there is.</summary>
    public const string Current = "hkdf-sha256, aes-256-gcm in chunks";
}

/// <summary>The rows beside the log, such as credentials and wrapped keys: a file in a folder that may be kept elsewhere.</summary>
/// <param name="File">The file, below the folder of keys.</param>
/// <param name="Rows">How many rows of each table it holds.</param>
/// <param name="Folder">The folder of keys, as it was when they were written: below the archive's, or a whole path.</param>
public sealed record ArchiveSecrets(
    ArchiveFile File,
    IReadOnlyDictionary<string, long> Rows,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Folder = null);

/// <summary>A file that an archive carries along.</summary>
/// <param name="Name">Its own name.</param>
/// <param name="File">What it is in the archive.</param>
public sealed record ArchivedFile(string Name, ArchiveFile File);

/// <summary>The page that says what an archive is: written last, so that what it names is there.</summary>
/// <param name="Format">The format's number.</param>
/// <param name="Product">The product and its version that wrote it last.</param>
/// <param name="Log">The id of the log's first event, by which a log is known; null of an empty log.</param>
/// <param name="LastEvent">The id of the last event: a log that has another there is not the one that was archived.</param>
/// <param name="Schema">The last migration of the database.</param>
/// <param name="CreatedAt">When the archive was begun.</param>
/// <param name="UpdatedAt">When it was last added to.</param>
/// <param name="LastPosition">The last position it holds.</param>
/// <param name="Counts">What it holds.</param>
/// <param name="TreeHead">The head of the audit tree at the last position; null where it is not known.</param>
/// <param name="Encryption">How it is encrypted; null: not.</param>
/// <param name="Secrets">The rows beside the log.</param>
/// <param name="Runs">The runs that filled it.</param>
/// <param name="Segments">The segments, in order.</param>
/// <param name="Configuration">Files of configuration; null where none were named.</param>
/// <param name="Digest">What this page is sealed with: see <see cref="ManifestText"/>.</param>
public sealed record ArchiveManifest(
    int Format,
    string Product,
    Guid? Log,
    Guid? LastEvent,
    string Schema,
    DateTimeOffset CreatedAt,
    DateTimeOffset UpdatedAt,
    long LastPosition,
    ArchiveCounts Counts,
    ArchiveTreeHead? TreeHead,
    ArchiveEncryption? Encryption,
    ArchiveSecrets Secrets,
    IReadOnlyList<ArchiveRun> Runs,
    IReadOnlyList<ArchiveSegment> Segments,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyList<ArchivedFile>? Configuration = null,
    string Digest = "")
{
    /// <summary>The format that this program writes.</summary>
    public const int CurrentFormat = 1;
}

/// <summary>The segments that an interrupted run has finished: the next run takes them over.</summary>
/// <param name="Log">The log that they are of.</param>
/// <param name="Encryption">How they are encrypted.</param>
/// <param name="Segments">The segments, in no order.</param>
internal sealed record UnfinishedRun(Guid Log, ArchiveEncryption? Encryption, IReadOnlyList<ArchiveSegment> Segments);

/// <summary>The JSON of archives.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    WriteIndented = true,
    NewLine = "\n",
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(ArchiveManifest))]
[JsonSerializable(typeof(UnfinishedRun))]
internal sealed partial class ArchiveJson : JsonSerializerContext;
