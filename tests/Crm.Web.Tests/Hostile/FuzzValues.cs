using System.Text;
using System.Text.Json;
using Crm.Testing;

namespace Crm.Web.Tests.Hostile;

/// <summary>What is sent where something else was expected.</summary>
public static class FuzzValues
{
    /// <summary>Values that some field or parameter takes.</summary>
    public static IReadOnlyList<string> Plausible { get; } =
    [
        "Lovelace", "ada@example.com", "2026-01-01T00:00:00Z", "new", "qualified", "hot", "-createdAt", "25", "200", "csv", "week", "true", "0", "1",
        "\"1\"", "*", "EUR", "call", "in", "out", "agent", "because", "9",
    ];

    /// <summary>Values that nobody should send.</summary>
    public static IReadOnlyList<string> Hostile { get; } =
    [
        .. new[]
        {
            "", " ", "null", "undefined", "NaN", "-1", "-2147483649", "2147483648", "9223372036854775807", "9223372036854775808", "-9223372036854775809", "1e400",
            "-0", "0x10", "1.5", "٣", "26", "201", "00000000-0000-0000-0000-000000000000", "{00000000-0000-7000-8000-000000000001}",
            "' or 1=1--", "'; drop table crm.mt_events; --", "\" or \"\"=\"", "1; select pg_sleep(10)", "') union select null,null--", "\\'; --", "$$ or true $$",
            "%", "_", "%%%%%%%%%%%%%%%%%%%%", "\\", "\\\\%", "[", "(a+)+$", "$.a[?(@)]", "$ ? (@ == 1)", "$.**", "{1,2}", "a & b | !c", ":*",
            "=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(1)", "\t=1", "\uff1d1+1",
            "a\r\nSet-Cookie: owned=1", "a\r\n\r\nHTTP/1.1 200 OK", "a\nfail: forged line", "\u001b[2J", "../../../../etc/passwd", "..%2f..%2fetc%2fpasswd", "file:///etc/passwd",
            "${jndi:ldap://x/a}", "{{7*7}}", "<script>alert(1)</script>", "<!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>", "|id", "`id`", "$(id)",
            "\0", "a\0b", "\ud800", "a\udc00b", "\u202etxt.exe", "\u2028", "\ufeff", "\uffff", "e\u0301", "👩‍👩‍👧‍👦", "مرحبا", "田中さん",
            "2026-02-30T00:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.9999999Z", "9999-12-31T23:59:59-14:00", "2026-01-01", "2026-01-01T00:00:00+99:00", "-infinity",
            "W/\"1\"", "\"-1\"", "\"99999999999999999999\"", "\"1\", \"2\"", "Bearer x", "eyJhbGciOiJub25lIn0..", new string('A', 10_000), new string('9', 400),
            string.Concat(Enumerable.Repeat("é", 300)), string.Concat(Enumerable.Repeat("[", 200)), "a,b,c", "-", "--", "-createdAt,name", "id; drop", "constructor", "__proto__",
        },
        .. Naughty(),
    ];

    /// <summary>JSON that is no string.</summary>
    public static IReadOnlyList<string> JsonValues { get; } =
    [
        "null", "true", "0", "-1", "101", "2147483648", "9223372036854775808", "1e400", "-1e-400", "0.1", "1234567890123456789012345678901234567890", "[]", "{}", "[null]",
        "{\"a\":{}}", "[[[[[[]]]]]]", "\"\\u0000\"", "\"\\ud800\"", "1E2", "-0", "{\"$ref\":\"#\"}", "{\"amount\":1,\"amount\":2}", "79228162514264337593543950336", "0.123456789",
    ];

    /// <summary>Bodies that are no object of ours.</summary>
    public static IReadOnlyList<byte[]> Bodies { get; } =
    [
        .. new[]
        {
            "", " ", "null", "[]", "1", "\"\"", "{", "}", "{\"a\"", "{\"a\":1,}", "{'a':1}", "//x\n{}", "\ufeff{}", "{}{}", "{} x", "a=1&b=2", "<a/>", "\0", "{\"a\":NaN}",
            string.Concat(Enumerable.Repeat("[", 5_000)), string.Concat(Enumerable.Repeat("{\"a\":", 5_000)), "{\"lastName\":\"" + new string('x', 70_000) + "\"}",
            "{\"tags\":[" + string.Join(',', Enumerable.Repeat("\"t\"", 2_000)) + "]}", "{\"lastName\":\"\\u0000\"}", "{\"lastName\":\"\\ud800\"}", "{\"__proto__\":{\"x\":1}}",
        }.Select(Encoding.UTF8.GetBytes),
        [0xff, 0xfe, 0x00], [0xc0, 0x80], [0x7b, 0x22, 0xed, 0xa0, 0x80, 0x22, 0x3a, 0x31, 0x7d], [0x1f, 0x8b, 0x08, 0x00],
    ];

    /// <summary>Media types that bodies do not have.</summary>
    public static IReadOnlyList<string> MediaTypes { get; } =
        ["text/plain", "application/xml", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/json; charset=utf-16", "application/merge-patch+json", "x", ""];

    private static string[] Naughty() =>
        JsonSerializer.Deserialize<string[]>(File.ReadAllBytes(SharedData.Path("naughty-strings", "blns.json"))) ?? [];
}
