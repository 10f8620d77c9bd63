using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Crm.EventStore.LocalPostgres;

/// <summary>The passwords of the product's roles on its own cluster, made once and kept beside the data, readable by its owner alone.</summary>
/// <param name="CrmOwner">Of the role that migrates.</param>
/// <param name="CrmApp">Of the role that the product runs as.</param>
/// <param name="CrmReporting">Of the role for reports.</param>
public sealed record RolePasswords(string CrmOwner, string CrmApp, string CrmReporting)
{
    /// <summary>New random passwords of 256 bits each.</summary>
    public static RolePasswords Random() => new(Secret(), Secret(), Secret());

    /// <summary>The password of a role.</summary>
    public string Of(string role) => role switch
    {
        DatabaseAdmin.OwnerRole => CrmOwner,
        DatabaseAdmin.AppRole => CrmApp,
        DatabaseAdmin.ReportingRole => CrmReporting,
        _ => throw new ArgumentOutOfRangeException(nameof(role), role, "No such role."),
    };

    /// <summary>Reads the passwords; null when the file is not there.</summary>
    internal static async Task<RolePasswords?> Read(string file, CancellationToken ct)
    {
        if (!File.Exists(file))
        {
            return null;
        }

        try
        {
            await using var stream = File.OpenRead(file);
            return await JsonSerializer.DeserializeAsync(stream, RolePasswordsJson.Default.RolePasswords, ct)
                ?? throw new LocalPostgresException($"{file} is empty. Delete it, and the next start makes new passwords.");
        }
        catch (JsonException broken)
        {
            throw new LocalPostgresException($"{file} is not readable as JSON. Delete it, and the next start makes new passwords.", broken);
        }
        catch (UnauthorizedAccessException closed)
        {
            throw new LocalPostgresException($"{file} belongs to another user: run as that user, or set CRM_DATA_DIR to a folder of your own.", closed);
        }
    }

    /// <summary>Writes the passwords so that the file is there whole or not at all.</summary>
    internal async Task Write(string file, CancellationToken ct)
    {
        var draft = file + ".new";
        File.Delete(draft);
        var options = new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        };
        await using (var stream = new FileStream(draft, options))
        {
            await JsonSerializer.SerializeAsync(stream, this, RolePasswordsJson.Default.RolePasswords, ct);
            stream.Flush(flushToDisk: true);
        }

        File.Move(draft, file, overwrite: true);
    }

    private static string Secret() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));
}

[JsonSerializable(typeof(RolePasswords))]
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true)]
internal sealed partial class RolePasswordsJson : JsonSerializerContext;
