using System.IO.Compression;
using System.Text;
using Crm.Application.Import;
using Crm.Application.Leads;
using Crm.Domain.Leads;
using Crm.EventStore.Log;
using Crm.Testing;

namespace Crm.Application.Tests.Import;

public sealed class Importing_history : ImportedLog
{
    private const string Map =
        """
        {
          "source": "calls", "lead": "lead", "time": { "column": "at" }, "actor": { "column": "who" },
          "rules": [
            { "when": { "what": "new" }, "event": "captured",
              "details": { "company": { "column": "note" }, "value": { "column": "value", "currency": "EUR" } } },
            { "when": { "what": { "startsWith": "call" } }, "event": "activity", "kind": "call", "direction": "out",
              "subject": { "column": "what" } },
            { "when": { "what": "take", "who": { "empty": false } }, "event": "assigned",
              "agent": { "column": "who" }, "onlyWhenOwnerDiffers": true },
            { "when": { "what": ["good", "best"] }, "event": "qualified" },
            { "when": { "what": "bad" }, "event": "disqualified", "reason": { "column": "note" } }
          ]
        }
        """;

    private const string Header = "lead,what,who,value,note,at\n";

    private static readonly string[] Rows =
    [
        "L1,new,ann,100.50,\"Muster, GmbH\",2024-01-01T10:00:00.5Z",
        "L1,call 1,ann,,,2024-01-01T11:00:00Z",
        "L2,new,,7,,2024-01-01T12:00:00+02:00",
        "L1,take,ann,,,2024-01-01 12:00:00",
        "L1,take,ann,,,2024-01-02",
        "L2,bad,bob,,too small,2024-01-02T09:00:00Z",
        "L1,lunch,bob,,,2024-01-02T12:00:00Z",
        "L1,good,bob,,,2024-01-03T09:00:00Z",
    ];

    [Fact]
    public async Task records_each_row_as_its_event_with_its_own_time_and_actor()
    {
        var report = await Import(Folder.Write("calls.csv", Header + string.Join('\n', Rows)));

        Assert.Equal((8, 2, 0), (report.Totals.Rows, report.Totals.PassedOver, report.Totals.Rejected));
        var lead = await Log.FindHolder(LeadStream.ExternalIdScope, "L1", Ct);
        var events = await Log.ReadStream(lead ?? Guid.Empty, Ct);
        Assert.Equal(["lead-captured", "lead-activity-logged", "lead-assigned", "lead-qualified"], events.Select(each => each.Type));
        Assert.Equal(new DateTimeOffset(2024, 1, 1, 10, 0, 0, 500, TimeSpan.Zero), events[0].At);
        Assert.Equal("Muster, GmbH", ((LeadCaptured)events[0].Data).Details.Company);
        Assert.Equal(100.50m, ((LeadCaptured)events[0].Data).Details.Value?.Amount);
        var ann = await Log.FindHolder("user-external-id", "calls:ann", Ct);
        Assert.Equal(ann.ToString(), events[0].Envelope.Actor);
        Assert.Equal(ann, ((LeadAssigned)events[2].Data).AgentId);
        Assert.Equal("import:calls:8:4", events[3].Envelope.CausationId);
    }

    [Fact]
    public async Task keeps_a_step_that_todays_rules_would_refuse_and_counts_it()
    {
        var file = Folder.Write(
            "irregular.csv",
            Header + "L1,new,,1,,2024-01-02\nL1,good,,,,2024-01-01\nL1,bad,,,no,2024-01-03\nL1,bad,,,no,2024-01-03\n");

        var report = await Import(file);

        Assert.Equal(["already-disqualified", "not-contacted", "out-of-order"], report.Totals.Irregular.Keys);
        Assert.Equal(5, report.Totals.Irregular["already-disqualified"].Examples[0].Line);
        Assert.Equal(4, report.Added);
    }

    [Fact]
    public async Task twice_adds_nothing()
    {
        var file = Folder.Write("calls.csv", Header + string.Join('\n', Rows));
        var first = await Import(file);

        var second = await Import(file);

        Assert.Equal((8, 0), (first.Added, second.Added));
        Assert.Equal(first.Totals.Rows, second.Totals.Rows);
    }

    [Fact]
    public async Task twice_adds_nothing_even_where_the_bookmark_is_lost()
    {
        var file = Folder.Write("calls.csv", Header + string.Join('\n', Rows));
        await Import(file);
        await using (var forget = Database.Superuser.CreateCommand("delete from crm.bookmarks"))
        {
            await forget.ExecuteNonQueryAsync(Ct);
        }

        var second = await Import(file);

        Assert.Equal((0, 7), (second.Added, second.Totals.AlreadyThere));
    }

    [Fact]
    public async Task goes_on_where_a_file_has_grown()
    {
        await Import(Folder.Write("calls.csv", Header + string.Join('\n', Rows[..5])));

        var more = await Import(Folder.Write("grown.csv", Header + string.Join('\n', Rows)));

        Assert.Equal((5, 3, 8), (more.ResumedAfterRow, more.Added, more.Totals.Rows));
    }

    [Fact]
    public async Task refuses_another_file_under_the_same_source()
    {
        await Import(Folder.Write("calls.csv", Header + string.Join('\n', Rows)));

        await Assert.ThrowsAsync<ImportRefusedException>(() => Import(Folder.Write("other.csv", Header + "L9,new,,1,,2024-01-01")));
    }

    [Fact]
    public async Task lists_rows_that_cannot_be_taken_with_line_and_reason()
    {
        var file = Folder.Write(
            "broken.csv",
            Header + "L1,new,,12x,\"two\nlines\",2024-01-01\n,new,,1,,2024-01-01\nL2,new,,1,,yesterday\nL3,good,,,,2024-01-01\nL4,new\n"
            + "L5,new,,1,a\"b,2024-01-01\nL6,new,,1,,2024-01-01\n");

        var report = await Import(file);

        Assert.Equal((7, 6, 1), (report.Totals.Rows, report.Totals.Rejected, report.Totals.Events["lead-captured"]));
        using var listed = CsvRows.Open(report.RejectedFile ?? "");
        var rows = listed.Rows().ToList();
        Assert.Equal(["line", "row", "reason", "record"], listed.Header);
        Assert.Equal(["2", "4", "5", "6", "7", "8"], rows.Select(row => row.Fields[0]));
        Assert.Equal(
            [
                "value is not a number: 12x", "the row names no lead", "at is not a time: yesterday",
                "no lead with the external id L3 has been captured", "it has 2 fields where the header has 6",
                "a quotation mark stands inside an unquoted field",
            ],
            rows.Select(row => row.Fields[2]));
        Assert.Equal("L1,new,,12x,\"two\nlines\",2024-01-01", rows[0].Fields[3]);
    }

    [Fact]
    public async Task captures_an_unknown_lead_where_the_map_says_so()
    {
        var file = Folder.Write("calls.csv", Header + "L7,call 1,,,,2024-01-01\nL7,call 2,,,,2024-01-02");

        var report = await Import(file, Map.Replace("\"source\"", "\"unknownLead\": \"capture\", \"source\"", StringComparison.Ordinal));

        Assert.Equal((1, 2), (report.Totals.Events["lead-captured"], report.Totals.Events["lead-activity-logged"]));
    }

    [Fact]
    public async Task finds_the_lead_that_somebody_captured_before()
    {
        var lead = Guid.CreateVersion7();
        var details = LeadDetails.Unknown with { ExternalId = "L8" };
        var captured = new NewEvent(Guid.CreateVersion7(), new LeadCaptured(details, 0, 1), DateTimeOffset.UnixEpoch);
        await Log.Append(
            new AppendCommand([new StreamAppend(lead, "lead", 0, [captured])], Envelope.System)
            {
                Claims = [new UniqueKey(LeadStream.ExternalIdScope, "L8", lead)],
            },
            Ct);

        await Import(Folder.Write("calls.csv", Header + "L8,call 1,,,,2024-01-01"));

        Assert.Equal(2, (await Log.ReadStream(lead, Ct)).Count);
    }

    [Fact]
    public async Task reads_a_compressed_file_with_a_byte_order_mark()
    {
        var path = Folder.Path("calls.csv.gz");
        await using (var gzip = new GZipStream(File.Create(path), CompressionLevel.Fastest))
        {
            gzip.Write([0xef, 0xbb, 0xbf]);
            gzip.Write(Encoding.UTF8.GetBytes(Header + string.Join("\r\n", Rows)));
        }

        Assert.Equal(8, (await Import(path)).Added);
    }

    [Fact]
    public async Task that_is_stopped_goes_on_and_ends_as_if_it_never_had_been()
    {
        var file = Folder.Write("long.csv", LongFile(leads: 700, rowsPerLead: 20));
        var whole = await Import(file);
        var expected = await Database.HistoryDigest(EventJson.Catalog, Ct);

        await using var other = await TestDatabase.Create();
        await using var second = new EventLog(other.App, EventJson.Catalog, TestKeys.Masters, new LogPosition());
        var runs = 0;
        ImportReport? report = null;
        while (report is null && runs < 20)
        {
            runs++;
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(Ct);
            var steps = new Stopping(stop, afterReports: 1);
            try
            {
                report = await FileImport.History(second, file, Map, null, Folder.Path("again.rejected.csv"), steps, stop.Token);
            }
            catch (OperationCanceledException) when (!Ct.IsCancellationRequested)
            {
                // Stopped after a batch, as asked for.
            }
        }

        Assert.NotNull(report);
        Assert.InRange(runs, 2, 19);
        Assert.Equal(whole.Totals.Rows, report.Totals.Rows);
        Assert.Equal(whole.Totals.Events, report.Totals.Events);
        Assert.Equal(expected, await other.HistoryDigest(EventJson.Catalog, Ct));
        Assert.Equal(await File.ReadAllTextAsync(whole.RejectedFile ?? "", Ct), await File.ReadAllTextAsync(report.RejectedFile ?? "", Ct));
    }

    [Fact]
    public async Task plans_rows_anew_where_somebody_changes_their_lead_meanwhile()
    {
        var file = Folder.Write("long.csv", LongFile(leads: 700, rowsPerLead: 20));
        var first = Folder.Write("first.csv", Header + "L0,new,,1,,2024-01-01\n");
        await Import(first, Map.Replace("calls", "other", StringComparison.Ordinal));
        var lead = await Log.FindHolder(LeadStream.ExternalIdScope, "L0", Ct) ?? Guid.Empty;
        var notes = new Noting(Log, lead);

        var report = await FileImport.History(Log, file, Map, source: null, Folder.Path("rejected.csv"), notes, Ct);
        await Task.WhenAll(notes.Written);

        Assert.Equal(700 * 20, report.Totals.Rows);
        Assert.Equal(692, report.Totals.Events["lead-captured"]);
        var history = await Log.ReadStream(lead, Ct);
        Assert.Equal(Enumerable.Range(1, history.Count).Select(version => (long)version), history.Select(each => each.Version));
    }

    private Task<ImportReport> Import(string file, string map = Map) =>
        FileImport.History(Log, file, map, source: null, Folder.Path(Path.GetFileName(file) + ".rejected.csv"), progress: null, Ct);

    // The leads' rows are interleaved, and every hundredth row is broken.
    private static string LongFile(int leads, int rowsPerLead)
    {
        var text = new StringBuilder(Header);
        var start = new DateTimeOffset(2024, 1, 1, 0, 0, 0, TimeSpan.Zero);
        for (var row = 0; row < leads * rowsPerLead; row++)
        {
            var (lead, round) = (row % leads, row / leads);
            var what = round switch { 0 => "new", 7 => "take", 15 => "good", 19 => "bad", _ => $"call {round}" };
            var time = row % 100 == 99 ? "never" : start.AddMinutes(row).ToString("O", System.Globalization.CultureInfo.InvariantCulture);
            text.Append(System.Globalization.CultureInfo.InvariantCulture, $"L{lead},{what},agent {lead % 7},{lead},,{time}\n");
        }

        return text.ToString();
    }

    /// <summary>Writes a note on a lead after each batch, while the next one that changes that lead is being planned.</summary>
    private sealed class Noting(EventLog log, Guid lead) : IProgress<ImportProgress>
    {
        public List<Task> Written { get; } = [];

        public void Report(ImportProgress value) => Written.Add(Task.Run(Note));

        private async Task Note()
        {
            AppendOutcome? outcome = null;
            while (outcome is not AppendOutcome.Appended)
            {
                var version = (await log.ReadStream(lead, Ct)).Count;
                var added = new LeadNoteAdded(Guid.CreateVersion7(), "meanwhile");
                var note = new NewEvent(Guid.CreateVersion7(), added, DateTimeOffset.UnixEpoch);
                outcome = await log.Append(new AppendCommand([new StreamAppend(lead, "lead", version, [note])], Envelope.System), Ct);
            }
        }
    }

    private sealed class Stopping(CancellationTokenSource stop, int afterReports) : IProgress<ImportProgress>
    {
        private int reports;

        public void Report(ImportProgress value)
        {
            if (++reports == afterReports)
            {
                stop.Cancel();
            }
        }
    }
}
