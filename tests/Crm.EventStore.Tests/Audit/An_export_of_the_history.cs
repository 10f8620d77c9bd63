using System.Text;
using Crm.EventStore.Audit;

namespace Crm.EventStore.Tests.Audit;

/// <summary>A file alone, and a public key: made once, and spoilt in every way.</summary>
public sealed class An_export_of_the_history(An_export_of_the_history.Export made) : IClassFixture<An_export_of_the_history.Export>
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task is_sound_by_itself()
    {
        var report = await Verify(made.Lines);
        Assert.True(report.Sound);
        Assert.Equal((700, 700, 2, 700), (report.Events, report.LastPosition, report.Heads, report.SignedUpTo));
        Assert.Equal(Convert.ToBase64String(made.Root), report.Root);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(256)]
    [InlineData(300)]
    [InlineData(700)]
    public async Task shows_a_changed_letter(int position)
    {
        var lines = Changed(position, static line => line.Replace("Zoë", "Zoé", StringComparison.Ordinal));
        (await Verify(lines)).Names(FindingKind.Changed, position);
    }

    [Fact]
    public async Task shows_another_form_of_the_same()
    {
        var lines = Changed(300, static line => line.Replace(",\"data\"", ", \"data\"", StringComparison.Ordinal));
        (await Verify(lines)).Names(FindingKind.Changed, 300);
    }

    [Fact]
    public async Task shows_a_line_that_is_none()
    {
        (await Verify(Changed(300, static line => line[..^5]))).Names(FindingKind.Changed, 300);
        (await Verify(Changed(300, static _ => "[]"))).Names(FindingKind.Changed, 300);
    }

    [Fact]
    public async Task shows_a_missing_event()
    {
        var lines = made.Lines.ToList();
        lines.RemoveAt(made.LineOf(300));
        (await Verify(lines)).Names(FindingKind.Missing, 300);
    }

    [Fact]
    public async Task shows_a_missing_event_behind_which_all_were_renumbered()
    {
        var lines = made.Lines.ToList();
        lines.RemoveAt(made.LineOf(300));
        (await Verify(Renumbered(lines))).Names(FindingKind.Removed, 300);
    }

    [Fact]
    public async Task shows_an_event_that_was_put_in()
    {
        var lines = made.Lines.ToList();
        lines.Insert(made.LineOf(300), made.Lines[made.LineOf(20)]);
        (await Verify(Renumbered(lines))).Names(FindingKind.Inserted, 300);
    }

    [Fact]
    public async Task shows_two_that_changed_places()
    {
        var lines = made.Lines.ToList();
        (lines[made.LineOf(300)], lines[made.LineOf(310)]) = (lines[made.LineOf(310)], lines[made.LineOf(300)]);
        var report = await Verify(Renumbered(lines));
        report.Names(FindingKind.Reordered, 300);
        report.Names(FindingKind.Reordered, 310);
    }

    [Fact]
    public async Task shows_that_it_was_cut_off()
    {
        (await Verify(made.Lines.Take(made.LineOf(650)))).Names(FindingKind.Missing, 650);
        var whole = Encoding.UTF8.GetBytes(string.Join('\n', made.Lines));
        Assert.False((await Run(whole[..^400])).Sound);
        Assert.False((await Verify(made.Lines.SkipLast(1))).Sound);
    }

    [Fact]
    public async Task shows_a_forged_hash_and_that_the_events_are_right()
    {
        var lines = made.Lines.ToList();
        var at = lines.FindIndex(static line => line.StartsWith("{\"first\":257,", StringComparison.Ordinal));
        var begin = lines[at].IndexOf("\"hashes\":\"", StringComparison.Ordinal) + "\"hashes\":\"".Length;
        lines[at] = string.Concat(lines[at].AsSpan(0, begin), "AAAA", lines[at].AsSpan(begin + 4));
        var report = await Verify(lines);
        report.Names(FindingKind.Tile, 257);
        Assert.DoesNotContain(report.Findings, static finding => finding.Kind is not FindingKind.Tile);
    }

    [Fact]
    public async Task is_not_trusted_by_another_key()
    {
        using var stranger = NoteSigner.Create("log.example/notes");
        using var file = new MemoryStream(Encoding.UTF8.GetBytes(string.Join('\n', made.Lines)));
        (await new ExportVerification([stranger.PublicKey]).Run(file, progress: null, Ct)).Names(FindingKind.Head, 600);
    }

    [Fact]
    public async Task is_held_against_a_head_that_was_kept()
    {
        using var file = new MemoryStream(Encoding.UTF8.GetBytes(string.Join('\n', made.Lines)));
        var later = SignedNote.Sign(new TreeHead("log.example/notes", 900, made.Root).ToText(), made.Signer).ToString();
        (await new ExportVerification([made.Key], [later]).Run(file, progress: null, Ct)).Names(FindingKind.Head, 701);
        using var again = new MemoryStream(Encoding.UTF8.GetBytes(string.Join('\n', made.Lines)));
        var other = SignedNote.Sign(new TreeHead("log.example/notes", 650, made.Root).ToText(), made.Signer).ToString();
        (await new ExportVerification([made.Key], [other]).Run(again, progress: null, Ct)).Names(FindingKind.Head, 601);
    }

    [Fact]
    public async Task of_another_kind_is_refused()
    {
        await Assert.ThrowsAsync<InvalidDataException>(static () => Run([]));
        await Assert.ThrowsAsync<InvalidDataException>(static () => Run("{\"format\":\"x\",\"size\":1}"u8.ToArray()));
        await Assert.ThrowsAsync<InvalidDataException>(static () => Run("a,b,c"u8.ToArray()));

        static Task<VerificationReport> Run(byte[] file) => new ExportVerification([]).Run(new MemoryStream(file), progress: null, Ct);
    }

    private List<string> Changed(int position, Func<string, string> change)
    {
        var lines = made.Lines.ToList();
        var at = made.LineOf(position);
        var changed = change(lines[at]);
        Assert.NotEqual(lines[at], changed);
        lines[at] = changed;
        return lines;
    }

    private static IEnumerable<string> Renumbered(IEnumerable<string> lines)
    {
        var position = 0;
        foreach (var line in lines)
        {
            if (!Export.IsEvent(line))
            {
                yield return line;
                continue;
            }

            var from = line.LastIndexOf("\"position\":", StringComparison.Ordinal);
            var to = line.LastIndexOf(",\"stream\"", StringComparison.Ordinal);
            yield return $"{line[..from]}\"position\":{++position}{line[to..]}";
        }
    }

    private Task<VerificationReport> Verify(IEnumerable<string> lines) => Run(Encoding.UTF8.GetBytes(string.Join('\n', lines)));

    private async Task<VerificationReport> Run(byte[] file) =>
        await new ExportVerification([made.Key]).Run(new MemoryStream(file), progress: null, Ct);

    public sealed class Export : IAsyncLifetime
    {
        private AuditedLog? log;

        public IReadOnlyList<string> Lines { get; private set; } = [];

        public byte[] Root { get; private set; } = [];

        public NoteSigner Signer => log?.Signer ?? throw new InvalidOperationException();

        public NoteKey Key => Signer.PublicKey;

        public static bool IsEvent(string line) => line.StartsWith("{\"archived\":", StringComparison.Ordinal);

        public int LineOf(int position) => Lines.Index().Where(static line => IsEvent(line.Item)).ElementAt(position - 1).Index;

        public async ValueTask InitializeAsync()
        {
            log = await AuditedLog.With(streams: 6);
            await log.Add(1);
            var head = await log.Sign();
            Root = head.Root;
            using var file = new MemoryStream();
            await new AuditExport(log.Database.App).Write(head, file, progress: null, CancellationToken.None);
            Lines = Encoding.UTF8.GetString(file.ToArray()).TrimEnd('\n').Split('\n');
        }

        public async ValueTask DisposeAsync()
        {
            if (log is not null)
            {
                await log.DisposeAsync();
            }
        }
    }
}
