using Crm.EventStore.Log;
using Crm.EventStore.Projections;
using NpgsqlTypes;

namespace Crm.EventStore.Tests.Projections;

public sealed record Owner(Guid Account, string Last, int Lines);

public sealed record DiaryLine(long Position, Guid Account, string Note);

/// <summary>A toy read model that holds what an erasure takes: the note of each movement.</summary>
public sealed class Diary(int revision = 1, Func<RecordedEvent, bool>? poison = null) : Projection<Owner, DiaryLine>
{
    public override string Name => "diary";

    public override int Revision => revision;

    public override StateTable<Owner> States => new()
    {
        Name = "diary_owners",
        StreamColumn = "account",
        StreamOf = owner => owner.Account,
        PrimaryKey = "account",
        Columns =
        [
            ReadTable<Owner>.Column("account", "uuid not null", NpgsqlDbType.Uuid, owner => (Guid?)owner.Account),
            ReadTable<Owner>.Column("last", "text not null", NpgsqlDbType.Text, owner => owner.Last),
            ReadTable<Owner>.Column("lines", "integer not null", NpgsqlDbType.Integer, owner => (int?)owner.Lines),
        ],
        Read = reader => new Owner(reader.GetGuid(0), reader.GetString(1), reader.GetInt32(2)),
    };

    public override ReadTable<DiaryLine> Entries => new()
    {
        Name = "diary_lines",
        StreamColumn = "account",
        PrimaryKey = "position",
        Columns =
        [
            ReadTable<DiaryLine>.Column("position", "bigint not null", NpgsqlDbType.Bigint, line => (long?)line.Position),
            ReadTable<DiaryLine>.Column("account", "uuid not null", NpgsqlDbType.Uuid, line => (Guid?)line.Account),
            ReadTable<DiaryLine>.Column("note", "text not null", NpgsqlDbType.Text, line => line.Note),
        ],
        Indexes = [("account", "(account)")],
    };

    public override bool Applies(object data) => data is Moved or Erased;

    public override bool Rewrites(object data) => data is Erased;

    public override Evolution<Owner, DiaryLine> Evolve(Owner? state, RecordedEvent recorded)
    {
        if (poison?.Invoke(recorded) == true)
        {
            throw new InvalidOperationException("Nobody can apply \"this\".");
        }

        var known = state ?? new Owner(recorded.StreamId, "", 0);
        return recorded.Data switch
        {
            Moved moved => new(
                known with { Last = moved.Note, Lines = known.Lines + 1 },
                [new DiaryLine(recorded.Position, recorded.StreamId, moved.Note)]),
            Erased => new(known with { Lines = known.Lines + 1 }, [new DiaryLine(recorded.Position, recorded.StreamId, "erased")]),
            _ => throw new InvalidOperationException(recorded.Type),
        };
    }
}
