using Crm.EventStore.Archives;
using Crm.EventStore.Tests.Log;
using Crm.Testing;

namespace Crm.EventStore.Tests.Archives;

public sealed class Every_value_of_an_event(TestDatabase source) : IClassFixture<TestDatabase>
{
    private const string Rows = "select string_agg(e::text, E'\n' order by seq_id) from crm.mt_events e";

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task comes_back_from_an_archive_as_it_was()
    {
        // As Marten's tables allow it, not as the product writes it.
        await source.Superuser.Execute(
            """
            insert into crm.mt_streams (id, type, version) select gen_random_uuid(), 'note', 1 from generate_series(1, 8);
            insert into crm.mt_events (seq_id, id, stream_id, version, data, bdata, type, timestamp, tenant_id, mt_dotnet_type,
                                       correlation_id, causation_id, headers, is_archived)
            select v.seq, gen_random_uuid(), s.id, 1, v.data::jsonb, v.bdata, 'noted', v.at, v.tenant, v.dotnet, v.correlation, null,
                   v.headers::jsonb, v.archived
            from (values
                (1, '{}', null::bytea, '2026-01-02 03:04:05.678901+00'::timestamptz, '*DEFAULT*', 'A, B', 'x', '{"recordedAt":"now"}', false),
                (2, '{"n": 1.500, "big": 123456789012345678901234567890.10, "e": 1e-30, "neg": -0}', '\x00ff10', 'infinity', null, null, null,
                 null, null),
                (3, '{"text": "line\nbreak \"quoted\" back\\slash \u0001 \t tab"}', '\x', '-infinity', '', 'tab	and "quotes" \ ' || chr(1) || chr(10),
                 'é 漢字 🙂', '{}', true),
                (4, 'null', null, '4713-01-01 00:00:00+00 BC', 'ten''ant', '', '', 'null', true),
                (5, '[1, [2, [3, {"a": []}]]]', null, '294276-12-31 23:59:59.999999+00', 'x', 'x', 'x', '[]', false),
                (6, '"just text"', null, '0001-01-01 00:00:00+00', 'x', 'x', 'x', '1', false),
                (7, '{"🙂": "\ud83d\ude42", "": ""}', null, '9999-12-31 23:59:59.999999+00', 'x', 'x', 'x', 'true', false),
                (8, repeat('[', 2000) || repeat(']', 2000), null, now(), 'x', 'x', repeat('long ', 50000), '{}', false)
            ) as v(seq, data, bdata, at, tenant, dotnet, correlation, headers, archived)
            join (select id, row_number() over (order by id) as seq from crm.mt_streams) s on s.seq = v.seq;
            update crm.log_counter set position = 8
            """);
        var folder = ArchiveFolder.At(Directory.CreateTempSubdirectory("crm-values-").FullName, keys: null);
        try
        {
            await new LogBackup(source.App, folder, key: null, TimeProvider.System) { SegmentEvents = 3 }.Run(progress: null, Ct);
            await using var target = await TestDatabase.Create();
            await target.Owner.Execute("create schema crm_recovery");
            var manifest = await folder.Read(key: null, Ct);
            var restoration = new LogRestoration(target.Owner, folder, manifest, key: null, upTo: 8);

            await restoration.Load(progress: null, Ct);
            await restoration.MakeIndexes(Ct);

            Assert.Equal(await source.Superuser.Scalar<string>(Rows), await target.Superuser.Scalar<string>(Rows));
            var (archive, restored) = await new ArchiveComparison(target.Owner, folder, manifest, key: null, upTo: 8).Run(progress: null, Ct);
            Assert.Equal(archive.Sha256, restored.Sha256);
            Assert.True((await ArchiveCheck.Run(folder, key: null, progress: null, Ct)).IsWhole);
        }
        finally
        {
            Directory.Delete(folder.Root, recursive: true);
        }
    }
}
