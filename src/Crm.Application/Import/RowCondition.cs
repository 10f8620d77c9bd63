namespace Crm.Application.Import;

/// <summary>
/// Which rows a rule is about: <c>{"activity": "A_SUBMITTED"}</c> equals, <c>["A", "B"]</c> one of, <c>{"startsWith": "W_"}</c>,
/// <c>{"empty": false}</c>, <c>{"not": …}</c>; several columns must all hold, <c>{"any": [{…}, {…}]}</c> asks for one of several.
/// </summary>
internal static class RowCondition
{
    /// <summary>Reads a condition; without one every row is meant.</summary>
    public static Func<RowValues, bool> Of(MapNode? node, IReadOnlyList<string> header)
    {
        if (node is not { } given)
        {
            return static _ => true;
        }

        var parts = given.Members().Select(member => member.Name is "any" && !header.Contains("any", StringComparer.Ordinal)
            ? Any(member.Node, header)
            : OfColumn(ColumnOf(member, header), member.Node)).ToArray();
        return parts is [var only] ? only : row => Array.TrueForAll(parts, part => part(row));
    }

    private static Func<RowValues, bool> Any(MapNode node, IReadOnlyList<string> header)
    {
        var choices = node.Items().Select(item => Of(item, header)).ToArray();
        return row => Array.Exists(choices, choice => choice(row));
    }

    private static int ColumnOf((string Name, MapNode Node) member, IReadOnlyList<string> header)
    {
        var index = header.ToList().IndexOf(member.Name);
        return index >= 0 ? index : throw member.Node.Wrong($"the file has no column {member.Name}; it has {string.Join(", ", header)}");
    }

    private static Func<RowValues, bool> OfColumn(int column, MapNode node)
    {
        var holds = Test(node);
        return row => holds(row[column] ?? "");
    }

    private static Func<string, bool> Test(MapNode node)
    {
        switch (node.Element.ValueKind)
        {
            case System.Text.Json.JsonValueKind.String:
                var wanted = node.Text();
                return field => string.Equals(field, wanted, StringComparison.Ordinal);
            case System.Text.Json.JsonValueKind.Array:
                var choices = node.Items().Select(item => item.Text()).ToHashSet(StringComparer.Ordinal);
                return choices.Contains;
            case System.Text.Json.JsonValueKind.Object:
                return Named(node.Object("startsWith", "empty", "not"));
            default:
                throw node.Wrong("a text, a list of texts, or one of {\"startsWith\": …}, {\"empty\": …}, {\"not\": …} is expected here");
        }
    }

    private static Func<string, bool> Named(MapNode node)
    {
        var tests = node.Members().Select(member => member.Name switch
        {
            "startsWith" => StartsWith(member.Node.Text()),
            "empty" => Empty(member.Node.Flag()),
            "not" => Not(Test(member.Node)),
            _ => throw member.Node.Wrong("there is no such condition"),
        }).ToArray();
        return field => Array.TrueForAll(tests, test => test(field));
    }

    private static Func<string, bool> StartsWith(string start) => field => field.StartsWith(start, StringComparison.Ordinal);

    private static Func<string, bool> Empty(bool empty) => field => field.Length == 0 == empty;

    private static Func<string, bool> Not(Func<string, bool> test) => field => !test(field);
}
