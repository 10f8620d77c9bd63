using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;

namespace Crm.EventStore.Audit;

/// <summary>
/// JSON in its one canonical form (RFC 8785, JSON Canonicalization Scheme): no white space, members in the order of their names' UTF-16
/// code units, strings with no escape that is not needed, numbers as ECMAScript writes them. One object of this class writes one document
/// after the other, in one pass: each object's members are written as they come and put in order when it ends.
/// </summary>
public sealed class CanonicalJson
{
    private const int MostDepth = 1_000;
    private const int IndexOfArray = -1;

    private static readonly JsonReaderOptions options = new() { MaxDepth = MostDepth };

    private readonly CanonicalText to;
    private readonly CanonicalText names = new();
    private readonly CanonicalText scratch = new();
    private readonly List<Member> members = [];
    private readonly List<Step> path = [];
    private List<InexactNumber>? inexact;

    /// <summary>Writes to a text of its own.</summary>
    public CanonicalJson()
        : this(new CanonicalText())
    {
    }

    /// <summary>Writes to a text that others write to as well.</summary>
    internal CanonicalJson(CanonicalText text) => to = text;

    /// <summary>The canonical form of a document.</summary>
    /// <exception cref="JsonException">
    /// It is not JSON, or not such as has a canonical form: a name stands twice in an object, half a surrogate pair stands alone, or no
    /// double is as large as a number.
    /// </exception>
    public static byte[] Of(ReadOnlySpan<byte> json)
    {
        if (!Utf8.IsValid(json))
        {
            throw new JsonException("The document is not UTF-8.");
        }

        var canonical = new CanonicalJson();
        canonical.Write(json, inexactNumbers: null);
        return canonical.to.Written.ToArray();
    }

    /// <summary>Writes a document. With a list, a number that its canonical form does not keep to the letter is told there.</summary>
    /// <param name="json">The document, in UTF-8.</param>
    /// <param name="inexactNumbers">
    /// Takes such numbers: where they stand, as a JSON pointer (RFC 6901), and their own text. One that no double is as large as is then
    /// written as a string. Null: it is an error.
    /// </param>
    internal void Write(ReadOnlySpan<byte> json, List<InexactNumber>? inexactNumbers)
    {
        inexact = inexactNumbers;
        members.Clear();
        path.Clear();
        names.CutTo(0);
        var reader = new Utf8JsonReader(json, options);
        try
        {
            reader.Read();
            Value(ref reader);
            if (reader.Read())
            {
                throw new JsonException("There is something after the document.");
            }
        }
        catch (InvalidOperationException half)
        {
            throw new JsonException("A string holds half a surrogate pair.", half);
        }
    }

    private void Value(ref Utf8JsonReader reader)
    {
        switch (reader.TokenType)
        {
            case JsonTokenType.StartObject:
                Object(ref reader);
                break;
            case JsonTokenType.StartArray:
                Array(ref reader);
                break;
            case JsonTokenType.String:
                to.AddString(TextOf(ref reader));
                break;
            case JsonTokenType.Number:
                Number(reader.ValueSpan);
                break;
            default:
                // true, false and null; the reader lets nothing else begin a value.
                to.Add(reader.ValueSpan);
                break;
        }
    }

    private void Object(ref Utf8JsonReader reader)
    {
        var (first, firstName) = (members.Count, names.Length);
        var inOrder = true;
        to.Add((byte)'{');
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var (from, nameFrom) = (to.Length, names.Length);
            names.Add(TextOf(ref reader));
            var nameLength = names.Length - nameFrom;
            to.AddString(names.Written[nameFrom..]);
            to.Add((byte)':');
            reader.Read();
            path.Add(new Step(nameFrom, nameLength));
            Value(ref reader);
            path.RemoveAt(path.Count - 1);

            // Each ends with a comma while they are put in order; the last one's becomes the end of the object.
            to.Add((byte)',');
            members.Add(new Member(nameFrom, nameLength, from, to.Length - from));
            inOrder = inOrder && (members.Count - first < 2 || Compare(members[^2], members[^1]) < 0);
        }

        if (!inOrder)
        {
            PutInOrder(first);
        }

        if (members.Count > first)
        {
            to.CutTo(to.Length - 1);
        }

        to.Add((byte)'}');
        members.RemoveRange(first, members.Count - first);
        names.CutTo(firstName);
    }

    private void Array(ref Utf8JsonReader reader)
    {
        to.Add((byte)'[');
        var place = 0;
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (place > 0)
            {
                to.Add((byte)',');
            }

            path.Add(new Step(place++, IndexOfArray));
            Value(ref reader);
            path.RemoveAt(path.Count - 1);
        }

        to.Add((byte)']');
    }

    private void Number(ReadOnlySpan<byte> json)
    {
        var room = to.Room(EcmaNumber.MostBytes);
        if (EcmaNumber.TryWrite(json, room, out var length))
        {
            if (inexact is not null && !room[..length].SequenceEqual(json))
            {
                inexact.Add(new InexactNumber(Pointer(), Encoding.ASCII.GetString(json)));
            }

            to.Took(length);
            return;
        }

        if (inexact is null)
        {
            throw new JsonException("No double is as large as a number.");
        }

        inexact.Add(new InexactNumber(Pointer(), Encoding.ASCII.GetString(json)));
        to.AddString(json);
    }

    private ReadOnlySpan<byte> TextOf(ref Utf8JsonReader reader)
    {
        if (!reader.ValueIsEscaped)
        {
            return reader.ValueSpan;
        }

        scratch.CutTo(0);
        var length = reader.CopyString(scratch.Room(reader.ValueSpan.Length));
        scratch.Took(length);
        return scratch.Written;
    }

    private void PutInOrder(int first)
    {
        var these = System.Runtime.InteropServices.CollectionsMarshal.AsSpan(members)[first..];
        var begin = these[0].From;
        these.Sort(Compare);
        scratch.CutTo(0);
        scratch.Add(to.From(begin));
        var unsorted = scratch.Written;
        var sorted = to.From(begin);
        for (var place = 0; place < these.Length; place++)
        {
            if (place > 0 && Compare(these[place - 1], these[place]) == 0)
            {
                throw new JsonException("A name stands twice in an object.");
            }

            var member = unsorted.Slice(these[place].From - begin, these[place].Length);
            member.CopyTo(sorted);
            sorted = sorted[member.Length..];
        }
    }

    /// <summary>
    /// By UTF-16 code units. UTF-8 has the same order, but for what UTF-16 writes as surrogate pairs: those stand before U+E000.
    /// </summary>
    private int Compare(Member left, Member right)
    {
        var a = names.Written.Slice(left.NameFrom, left.NameLength);
        var b = names.Written.Slice(right.NameFrom, right.NameLength);
        var same = a.CommonPrefixLength(b);
        return same == a.Length || same == b.Length ? a.Length - b.Length : Rank(a[same]) - Rank(b[same]);
    }

    private static int Rank(byte lead) => lead switch
    {
        >= 0xF0 => lead - 2,
        >= 0xEE => lead + 5,
        _ => lead,
    };

    private string Pointer() => string.Concat(path.Select(step => "/" + (step.Length == IndexOfArray
        ? step.From.ToString(CultureInfo.InvariantCulture)
        : Encoding.UTF8.GetString(names.Written.Slice(step.From, step.Length))
            .Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal))));

    /// <summary>A member of an object that is being written: its name, and where it stands in the text.</summary>
    private readonly record struct Member(int NameFrom, int NameLength, int From, int Length);

    /// <summary>A member's name, or (with <see cref="IndexOfArray"/>) the place in an array.</summary>
    private readonly record struct Step(int From, int Length);
}
