using Crm.EventStore.Schema;
using Crm.Testing;
using Npgsql;

namespace Crm.EventStore.Tests.Log;

public class The_schema(TestDatabase database) : IClassFixture<TestDatabase>
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task is_that_of_Marten_9_column_by_column()
    {
        Assert.Equal(
            """
            mt_event_progression.name character varying not null
            mt_event_progression.last_seq_id bigint
            mt_event_progression.last_updated timestamp with time zone default transaction_timestamp()
            mt_events.seq_id bigint not null
            mt_events.id uuid not null
            mt_events.stream_id uuid
            mt_events.version bigint not null
            mt_events.data jsonb not null
            mt_events.bdata bytea
            mt_events.type character varying(500) not null
            mt_events.timestamp timestamp with time zone not null default now()
            mt_events.tenant_id character varying default '*DEFAULT*'::character varying
            mt_events.mt_dotnet_type character varying
            mt_events.correlation_id character varying
            mt_events.causation_id character varying
            mt_events.headers jsonb
            mt_events.is_archived boolean default false
            mt_high_water_skips.ending_sequence bigint not null
            mt_high_water_skips.starting_sequence bigint not null
            mt_high_water_skips.timestamp timestamp with time zone
            mt_streams.id uuid not null
            mt_streams.type character varying
            mt_streams.version bigint
            mt_streams.timestamp timestamp with time zone not null default now()
            mt_streams.created timestamp with time zone not null default now()
            mt_streams.tenant_id character varying default '*DEFAULT*'::character varying
            mt_streams.is_archived boolean default false
            """,
            await Lines(
                """
                select concat(c.relname, '.', a.attname, ' ', format_type(a.atttypid, a.atttypmod),
                    case when a.attnotnull then ' not null' end, ' default ' || pg_get_expr(d.adbin, d.adrelid))
                from pg_attribute a join pg_class c on c.oid = a.attrelid left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
                where c.relnamespace = 'crm'::regnamespace and c.relkind = 'r' and c.relname like 'mt\_%'
                    and a.attnum > 0 and not a.attisdropped
                order by c.relname, a.attnum
                """));
    }

    [Fact]
    public async Task has_Martens_constraints_and_indexes_under_Martens_names_and_no_other()
    {
        Assert.Equal(
            """
            mt_event_progression pk_mt_event_progression PRIMARY KEY (name)
            mt_events fkey_mt_events_stream_id FOREIGN KEY (stream_id) REFERENCES crm.mt_streams(id) ON DELETE CASCADE
            mt_events pkey_mt_events_seq_id PRIMARY KEY (seq_id)
            mt_high_water_skips pkey_mt_high_water_skips_ending_sequence PRIMARY KEY (ending_sequence)
            mt_streams pkey_mt_streams_id PRIMARY KEY (id)
            """,
            await Lines(
                """
                select concat_ws(' ', c.relname, o.conname, pg_get_constraintdef(o.oid))
                from pg_constraint o join pg_class c on c.oid = o.conrelid
                where c.relnamespace = 'crm'::regnamespace and c.relname like 'mt\_%' order by 1
                """));
        Assert.Equal(
            "CREATE UNIQUE INDEX pk_mt_events_stream_and_version ON crm.mt_events USING btree (stream_id, version)",
            await Lines(
                """
                select pg_get_indexdef(i.indexrelid) from pg_index i join pg_class c on c.oid = i.indrelid
                where c.relnamespace = 'crm'::regnamespace and c.relname like 'mt\_%' and not i.indisprimary
                """));
        Assert.Equal(
            "crm.mt_events_sequence", await database.App.Scalar<string>("select pg_get_serial_sequence('crm.mt_events', 'seq_id')"));
    }

    [Theory]
    [InlineData("update crm.mt_events set version = 1")]
    [InlineData("delete from crm.mt_events")]
    [InlineData("truncate crm.mt_events")]
    [InlineData("delete from crm.mt_streams")]
    [InlineData("truncate crm.mt_streams cascade")]
    [InlineData("delete from crm.log_counter")]
    [InlineData("insert into crm.log_counter values (true, 1, now())")]
    [InlineData("drop table crm.mt_events")]
    [InlineData("create table crm.mine (id int)")]
    [InlineData("alter table crm.mt_events disable trigger all")]
    [InlineData("update crm.audit_tiles set first = first")]
    [InlineData("delete from crm.audit_tiles")]
    [InlineData("delete from crm.audit_heads")]
    [InlineData("update crm.audit_heads set root = root")]
    [InlineData("update crm.audit_keys set spki = spki")]
    [InlineData("delete from crm.audit_keys")]
    public async Task does_not_let_the_products_own_role_change_what_is_written(string sql)
    {
        var refused = await Assert.ThrowsAsync<PostgresException>(() => database.App.Execute(sql));

        Assert.Equal(PostgresErrorCodes.InsufficientPrivilege, refused.SqlState);
    }

    [Theory]
    [InlineData("select 1 from crm.mt_events")]
    [InlineData("select 1 from crm.credentials")]
    [InlineData("select 1 from crm.second_factors")]
    [InlineData("create table crm_read.mine (id int)")]
    public async Task shows_the_role_for_reports_nothing_but_read_models(string sql)
    {
        await Assert.ThrowsAsync<PostgresException>(() => database.Reporting.Execute(sql));

        await database.App.Execute($"create table crm_read.t{Guid.NewGuid():n} (id int)");
        await database.App.Execute("create table if not exists crm_read.shown (name text)");
        await database.App.Execute("create index on crm_read.shown using gin (name gin_trgm_ops)");
        await database.Reporting.Execute("select name from crm_read.shown");
    }

    [Fact]
    public async Task is_applied_once_however_many_hosts_start_at_the_same_time()
    {
        var applied = await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => Migrations.Apply(database.Owner, Ct)));

        Assert.All(applied, Assert.Empty);
    }

    [Fact]
    public async Task is_refused_when_a_script_that_was_applied_has_since_been_changed()
    {
        await using var changed = await TestDatabase.Create();
        await changed.Owner.Execute("update crm.schema_migrations set sha256 = 'another' where name = '001_log'");

        var refused = await Assert.ThrowsAsync<InvalidOperationException>(() => Migrations.Apply(changed.Owner, Ct));

        Assert.Contains("001_log", refused.Message, StringComparison.Ordinal);
    }

    private async Task<string> Lines(string sql) =>
        await database.App.Scalar<string>($"select string_agg(line, E'\\n') from ({sql}) as t(line)") ?? "";
}
