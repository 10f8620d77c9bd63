using Crm.Testing;

namespace Crm.Web.Tests.Security.Permissions;

/// <summary>The reviewed table of who may reach what; <c>permissions.tsv</c> says how it is read.</summary>
public static class PermissionTable
{
    private static readonly string[] Lines =
    [
        .. File.ReadAllLines(Path.Combine(Repository.Root, "tests", "Crm.Web.Tests", "Security", "Permissions", "permissions.tsv"))
            .Where(line => line.Length > 0 && line[0] != '#'),
    ];

    private static readonly string[] Titles = Lines[0].Split('\t');

    /// <summary>The columns that are callers, each with what belongs to whom.</summary>
    public static IReadOnlyList<string> Columns { get; } = Titles[6..^1];

    public static IReadOnlyList<Row> Rows { get; } = [.. Lines.Skip(1).Select(line => new Row(line.Split('\t')))];

    /// <summary>One route.</summary>
    public sealed record Row(string[] Cells)
    {
        public string Method => Cells[0];

        public string Route => Cells[1];

        public bool IsItem => Cells[2] == "item";

        public bool IsList => Cells[2] == "list";

        public string Since => Cells[3];

        public string Policy => Cells[4];

        public string KeyScope => Cells[5];

        public string Of(string column) => Cells[Array.IndexOf(Titles, column)];

        public override string ToString() => $"{Method} {Route}";
    }
}
