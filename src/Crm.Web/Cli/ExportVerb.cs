using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Crm.Application.Users;
using Crm.Domain.Leads;
using Crm.Domain.Users;
using Crm.EventStore.Log;
using Crm.Projections;
using Crm.Web.Http;
using Crm.Web.Leads;

namespace Crm.Web.Cli;

/// <summary><c>crm export</c>: leads, agents, activities and notes as tables for other programs. Not an archive: nothing restores it.</summary>
internal static class ExportVerb
{
    private const int Page = 1_000;

    /// <summary>What was written.</summary>
    /// <param name="Folder">Where.</param>
    /// <param name="Rows">The rows of each file.</param>
    internal sealed record Exported(string Folder, IReadOnlyDictionary<string, long> Rows);

    /// <summary>The verb.</summary>
    public static Command Command()
    {
        var json = Verb.Json();
        var to = new Option<string>("--to") { Description = "The folder that the files are written to.", Required = true };
        var format = new Option<string>("--format") { Description = "csv or ndjson.", DefaultValueFactory = static _ => "csv" };
        format.AcceptOnlyFromAmong("csv", "ndjson");
        var command = new Command("export", "Exports leads, agents, activities and notes, each to a file of its own.") { to, format, json };
        command.Runs(async (parsed, ct) =>
        {
            var folder = Path.GetFullPath(parsed.GetRequiredValue(to));
            var kind = parsed.GetRequiredValue(format);
            await using var database = await VerbDatabase.Open(ct);
            var rows = new SortedDictionary<string, long>(StringComparer.Ordinal)
            {
                ["leads"] = await Leads(database, folder, kind, ct),
                ["agents"] = await Agents(database.Log, folder, kind, ct),
            };
            (rows["activities"], rows["notes"]) = await Events(database.Log, folder, kind, ct);
            await Verb.Answer(
                parsed.GetValue(json),
                new Exported(folder, rows),
                CliJson.Default.Exported,
                static done => done.Rows.Select(file => string.Create(CultureInfo.InvariantCulture, $"{file.Key}: {file.Value:N0} rows")));
            return ExitCode.Done;
        });
        return command;
    }

    private static async Task<long> Leads(VerbDatabase database, string folder, string kind, CancellationToken ct)
    {
        await using var file = new ExportFile(folder, "leads", kind, ExportLeadsEndpoint.Columns);
        await foreach (var row in LeadBoard.Export(database.Database.App, new LeadQuery { Archived = null }, Visibility.All, ct))
        {
            var body = LeadBody.Of(row);
            await file.Line(
                kind is "csv" ? ExportLeadsEndpoint.Line(body) : JsonSerializer.Serialize(body, LeadsJson.Wire.LeadBody) + "\n", ct);
        }

        return await file.End(ct);
    }

    private static async Task<long> Agents(EventLog log, string folder, string kind, CancellationToken ct)
    {
        await using var file = new ExportFile(folder, "agents", kind, ["id", "name", "email", "role", "active"]);
        for (var after = Guid.Empty; await log.ListStreams(User.Aggregate.StreamType, after, Page, ct) is { Count: > 0 } users; after = users[^1])
        {
            foreach (var stream in (await log.ReadStreams([.. users], ct)).GroupBy(static recorded => recorded.StreamId))
            {
                var user = UserStream.Kind.Aggregate.Fold(stream.Select(static recorded => recorded.Data).OfType<UserEvent>());
                await file.Row([stream.Key, user.Name, user.Email, JsonNamingPolicy.CamelCase.ConvertName(user.Role.ToString()), user.IsActive], ct);
            }
        }

        return await file.End(ct);
    }

    /// <summary>One walk through the log for both: it alone has their texts.</summary>
    private static async Task<(long Activities, long Notes)> Events(EventLog log, string folder, string kind, CancellationToken ct)
    {
        await using var activities = new ExportFile(
            folder, "activities", kind, ["id", "leadId", "kind", "direction", "at", "subject", "notes", "durationSeconds", "outcome", "actor"]);
        await using var notes = new ExportFile(folder, "notes", kind, ["id", "leadId", "at", "text", "actor"]);
        for (var after = 0L; await log.ReadAfter(after, Page, ct) is { Count: > 0 } page; after = page[^1].Position)
        {
            foreach (var recorded in page)
            {
                if (recorded.Data is LeadActivityLogged logged)
                {
                    await activities.Row(
                        [
                            logged.ActivityId, recorded.StreamId, Words.Of(logged.Kind), Words.Of(logged.Direction), logged.At, logged.Subject,
                            logged.Notes, logged.DurationSeconds, logged.Outcome, recorded.Envelope.Actor,
                        ],
                        ct);
                }
                else if (recorded.Data is LeadNoteAdded added)
                {
                    await notes.Row([added.NoteId, recorded.StreamId, recorded.At, added.Text, recorded.Envelope.Actor], ct);
                }
            }
        }

        return (await activities.End(ct), await notes.End(ct));
    }

    /// <summary>One file, for its owner alone; it has its name when it is whole.</summary>
    private sealed class ExportFile : IAsyncDisposable
    {
        private readonly string path;
        private readonly string[] columns;
        private readonly bool csv;
        private readonly StreamWriter writer;
        private long rows;

        public ExportFile(string folder, string name, string kind, string[] columns)
        {
            (csv, this.columns) = (kind is "csv", columns);
            Directory.CreateDirectory(folder);
            path = Path.Combine(folder, $"{name}.{kind}");
            File.Delete(path + ".part");
            writer = new StreamWriter(path + ".part", new UTF8Encoding(encoderShouldEmitUTF8Identifier: false), new FileStreamOptions
            {
                Mode = FileMode.CreateNew,
                Access = FileAccess.Write,
                UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
            });
            if (csv)
            {
                writer.Write(string.Join(',', columns) + "\r\n");
            }
        }

        public Task Line(string line, CancellationToken ct)
        {
            rows++;
            return writer.WriteAsync(line.AsMemory(), ct);
        }

        public Task Row(object?[] values, CancellationToken ct) => Line(csv ? Csv(values) : Json(values), ct);

        public async Task<long> End(CancellationToken ct)
        {
            await writer.FlushAsync(ct);
            await writer.DisposeAsync();
            File.Move(path + ".part", path, overwrite: true);
            return rows;
        }

        public ValueTask DisposeAsync() => writer.DisposeAsync();

        private static string Csv(object?[] values) => string.Join(',', values.Select(static value => ExportLeadsEndpoint.Cell(TextOf(value)))) + "\r\n";

        private string Json(object?[] values)
        {
            using var buffer = new MemoryStream();
            using (var json = new Utf8JsonWriter(buffer))
            {
                json.WriteStartObject();
                foreach (var (column, value) in columns.Zip(values))
                {
                    switch (value)
                    {
                        case null: json.WriteNull(column); break;
                        case bool truth: json.WriteBoolean(column, truth); break;
                        case int number: json.WriteNumber(column, number); break;
                        default: json.WriteString(column, TextOf(value)); break;
                    }
                }

                json.WriteEndObject();
            }

            return Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length) + "\n";
        }

        private static string? TextOf(object? value) => value switch
        {
            null => null,
            DateTimeOffset time => WireFormats.Text(time),
            bool truth => truth ? "true" : "false",
            _ => Convert.ToString(value, CultureInfo.InvariantCulture),
        };
    }
}
