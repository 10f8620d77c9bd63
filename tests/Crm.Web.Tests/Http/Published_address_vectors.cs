using System.Xml.Linq;
using Crm.Domain;
using Crm.Testing;

namespace Crm.Web.Tests.Http;

public class Published_address_vectors
{
    /// <summary>What SMTP can deliver to; the other categories are comments, obsolete forms, and what is no address at all.</summary>
    private static readonly string[] Deliverable = ["ISEMAIL_VALID_CATEGORY", "ISEMAIL_DNSWARN", "ISEMAIL_RFC5321"];

    /// <summary>"::" for a single group: one of the two lists calls it deliverable, and every parser of IPv6 takes it.</summary>
    private const string OneGroup = "ISEMAIL_RFC5321_IPV6DEPRECATED";

    [Theory]
    [InlineData("tests.xml", 164)]
    [InlineData("tests-original.xml", 279)]
    public void are_judged_as_published(string file, int count)
    {
        var vectors = XDocument.Load(SharedData.Path("email-address-vectors", file)).Descendants("test").ToList();

        Assert.Equal(count, vectors.Count);
        Assert.Empty(vectors.Where(vector => EmailAddress.IsValid(AddressOf(vector)) != IsDeliverable(vector))
            .Select(vector => $"{vector.Attribute("id")?.Value}: {AddressOf(vector)} {vector.Element("diagnosis")?.Value}"));
    }

    private static bool IsDeliverable(XElement vector) =>
        Deliverable.Contains(vector.Element("category")?.Value, StringComparer.Ordinal) || vector.Element("diagnosis")?.Value is OneGroup;

    // XML holds no control characters: the files show each by its symbol.
    private static string AddressOf(XElement vector) =>
        string.Concat((vector.Element("address")?.Value ?? "")
            .Select(letter => letter is >= '\u2400' and <= '\u2420' ? (char)(letter - '\u2400') : letter));
}
