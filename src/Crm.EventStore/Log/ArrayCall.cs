using System.Data.Common;
using Npgsql;
using NpgsqlTypes;

namespace Crm.EventStore.Log;

/// <summary>
/// A call of a database function whose parameters are arrays. They are emptied and filled again for the life of a writer, and the command
/// stays prepared.
/// </summary>
internal sealed class ArrayCall : IDisposable
{
    private readonly NpgsqlCommand command = new();
    private readonly List<Action> clears = [];

    /// <summary>The function's next parameter.</summary>
    public List<T> Add<T>(NpgsqlDbType element)
    {
        var values = new List<T>();
        command.Parameters.Add(new NpgsqlParameter<List<T>> { TypedValue = values, NpgsqlDbType = NpgsqlDbType.Array | element });
        clears.Add(values.Clear);
        return values;
    }

    /// <summary>What is asked, once all parameters are there: columns of the function's row.</summary>
    public void Ask(string columns, string function)
    {
        var places = string.Join(", ", Enumerable.Range(1, clears.Count).Select(static place => $"${place}"));
        command.CommandText = $"select {columns} from {function}({places})";
    }

    /// <summary>Makes the call ready for a connection that has just been opened.</summary>
    public void Prepare(NpgsqlConnection connection, TimeSpan timeout)
    {
        command.Connection = connection;
        command.CommandTimeout = (int)Math.Ceiling(timeout.TotalSeconds);
        command.Prepare();
    }

    /// <summary>Calls it: one round trip, one transaction; durable when it returns.</summary>
    public T Run<T>(Func<DbDataReader, T> read)
    {
        using var reader = command.ExecuteReader();
        reader.Read();
        var result = read(reader);
        // Only the end of the protocol's answer says that the transaction has committed.
        reader.NextResult();
        return result;
    }

    /// <summary>Empties all arrays.</summary>
    public void Clear()
    {
        foreach (var clear in clears)
        {
            clear();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => command.Dispose();
}
