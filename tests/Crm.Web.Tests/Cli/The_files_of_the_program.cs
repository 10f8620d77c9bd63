using System.Diagnostics;
using System.Text.Json;
using Crm.Web.Hosting;

namespace Crm.Web.Tests.Cli;

public sealed class The_files_of_the_program : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("crm-files-");

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => folder.Delete(recursive: true);

    [Fact]
    public async Task are_each_unchanged_changed_missing_or_added()
    {
        foreach (var file in new[] { "crm.dll", "lib/Npgsql.dll", "appsettings.json", "gone.dll" })
        {
            await Write(file, file);
        }

        await List();
        var built = await Look();
        Assert.True(built.IsIntact);
        Assert.Equal(["appsettings.json", "crm.dll", "gone.dll", "lib/Npgsql.dll"], built.Files.Select(static file => file.Path));

        await Write("lib/Npgsql.dll", "another");
        await Write("lib/added.dll", "added");
        File.Delete(Path.Combine(folder.FullName, "gone.dll"));
        var now = await Look();

        Assert.False(now.IsIntact);
        Assert.Equal(built.ListSha256, now.ListSha256);
        Assert.Equal(
            [
                ("appsettings.json", "unchanged"), ("crm.dll", "unchanged"), ("gone.dll", "missing"), ("lib/Npgsql.dll", "changed"),
                ("lib/added.dll", "added"),
            ],
            now.Files.Select(static file => (file.Path, file.Status)));
        Assert.All(now.Files, static file => Assert.Equal(file.Status == "unchanged", file.Listed == file.Found));
    }

    [Fact]
    public async Task cannot_be_told_without_a_list_or_by_one_that_is_none()
    {
        await Write("crm.dll", "x");
        Assert.Null(await ProgramFiles.Look(folder.FullName, Ct));
        await Write(ProgramFiles.List, "nothing of the kind");
        await Assert.ThrowsAsync<IOException>(Look);
    }

    [Fact]
    public async Task are_told_by_the_verb_that_also_says_which_program_it_is()
    {
        // The program of these tests stands among theirs and was never listed: a copy with a list is what ops/run makes.
        var program = Directory.GetFiles(AppContext.BaseDirectory).Where(static file => Path.GetExtension(file) is ".dll" or ".json");
        foreach (var file in program)
        {
            File.Copy(file, Path.Combine(folder.FullName, Path.GetFileName(file)));
        }

        Assert.Equal(3, (await Crm("version", "--files")).Code);
        await List();
        var sound = await Crm("version", "--files", "--json");
        Assert.Equal(0, sound.Code);
        using (var told = JsonDocument.Parse(sound.Output))
        {
            Assert.Contains(
                told.RootElement.GetProperty("files").GetProperty("files").EnumerateArray(),
                static file => file.GetProperty("path").GetString() == "crm.dll" && file.GetProperty("status").GetString() == "unchanged");
        }

        await Write("appsettings.Production.json", "{}");
        var spoilt = await Crm("version", "--files");
        Assert.Equal(1, spoilt.Code);
        Assert.Matches("(?m)^added +[0-9a-f]{64}  appsettings.Production.json$", spoilt.Output);
        Assert.StartsWith("crm ", (await Crm("version")).Output, StringComparison.Ordinal);
    }

    private async Task<ProgramFiles> Look() =>
        await ProgramFiles.Look(folder.FullName, Ct) ?? throw new InvalidOperationException("There is a list.");

    private async Task Write(string file, string text)
    {
        var path = Path.Combine(folder.FullName, file);
        Directory.CreateDirectory(Path.GetDirectoryName(path) ?? folder.FullName);
        await File.WriteAllTextAsync(path, text, Ct);
    }

    // As ops/run does.
    private async Task List()
    {
        const string Line =
            """
            find . -type f ! -name crm.files.sha256 -printf '%P\0' | LC_ALL=C sort -z | xargs -0 sha256sum > ../$0.list
            mv ../$0.list crm.files.sha256
            """;
        using var list = Process.Start(new ProcessStartInfo("bash", ["-c", Line, folder.Name]) { WorkingDirectory = folder.FullName })
            ?? throw new InvalidOperationException("No bash.");
        await list.WaitForExitAsync(Ct);
        Assert.Equal(0, list.ExitCode);
    }

    private async Task<(int Code, string Output)> Crm(params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(folder.FullName, "crm.dll"), .. arguments])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process = Process.Start(start) ?? throw new InvalidOperationException("The process did not start.");
        var (output, error) = (process.StandardOutput.ReadToEndAsync(Ct), process.StandardError.ReadToEndAsync(Ct));
        await process.WaitForExitAsync(Ct);
        return (process.ExitCode, await output + (process.ExitCode == 0 ? "" : await error));
    }
}
