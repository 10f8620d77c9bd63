using System.Text.Json.Serialization;
using Crm.EventStore.LocalPostgres;
using Crm.Web.Http;
using Crm.Web.Security;
using Microsoft.AspNetCore.Authorization;
using Npgsql;

namespace Crm.Web.Operations;

/// <summary>A route as this host has mapped it.</summary>
/// <param name="Method">Its method.</param>
/// <param name="Route">Its pattern.</param>
/// <param name="Policies">Who may: the policies, all of which must hold; empty where anybody may.</param>
public sealed record RouteItem(string Method, string Route, IReadOnlyList<string> Policies);

/// <summary>The routes of this host.</summary>
/// <param name="Items">They, by pattern and method.</param>
public sealed record RoutesBody(IReadOnlyList<RouteItem> Items);

/// <summary>The database that this host runs on; no secret of it.</summary>
/// <param name="Host">The server: a name, an address, or the folder of its socket.</param>
/// <param name="Port">Its port.</param>
/// <param name="Database">The database.</param>
/// <param name="User">The login.</param>
/// <param name="Password">Whether the login has a password: <c>set</c> or <c>none</c>.</param>
/// <param name="Role">The pool's name in metrics: the role that its sessions act in, and the database.</param>
/// <param name="Tls">How far the connection is secured.</param>
/// <param name="Server">The server's version; null when it cannot be reached.</param>
public sealed record DatabaseUrlBody(
    string? Host, int Port, string? Database, string? User, string Password, string Role, string Tls, string? Server);

/// <summary>
/// What an admin asks when a deployment does not do what it should: which routes there are, and which database. Values that open
/// anything are never told.
/// </summary>
public static class DebugRoutes
{
    /// <summary>Maps them.</summary>
    public static void MapDebug(this IEndpointRouteBuilder app)
    {
        var debug = app.MapGroup("/debug").WithTags("Operations").RequireAuthorization(Policies.Debug);
        debug.MapGet("/routes", Routes).Produces<RoutesBody>().WithSummary("The routes of this host, and who may use each.");
        debug.MapGet("/database-url", DatabaseUrl).Produces<DatabaseUrlBody>()
            .WithSummary("The database that this host runs on, without what opens it.");
    }

    private static IResult Routes(EndpointDataSource endpoints) => Answers.Json(
        new RoutesBody(
        [
            .. endpoints.Endpoints.OfType<RouteEndpoint>()
                .SelectMany(static endpoint => (endpoint.Metadata.GetMetadata<IHttpMethodMetadata>()?.HttpMethods ?? []).Select(method =>
                    new RouteItem(method, "/" + endpoint.RoutePattern.RawText?.Trim('/'), PoliciesOf(endpoint))))
                .OrderBy(static item => item.Route, StringComparer.Ordinal).ThenBy(static item => item.Method, StringComparer.Ordinal),
        ]),
        DebugJson.Wire.RoutesBody);

    private static List<string> PoliciesOf(RouteEndpoint endpoint)
    {
        if (endpoint.Metadata.GetMetadata<IAllowAnonymous>() is not null)
        {
            return [];
        }

        var asked = endpoint.Metadata.GetOrderedMetadata<IAuthorizeData>()
            .Select(static asked => asked.Policy ?? Policies.SignedIn).Distinct(StringComparer.Ordinal).ToList();
        return asked is [] ? [Policies.SignedIn] : asked;
    }

    private static async Task<IResult> DatabaseUrl(NpgsqlDataSource database, CancellationToken ct)
    {
        var login = new NpgsqlConnectionStringBuilder(database.ConnectionString);
        return Answers.Json(
            new DatabaseUrlBody(
                login.Host, login.Port, login.Database, login.Username,
                login.Password is { Length: > 0 } || login.Passfile is { Length: > 0 } ? "set" : "none",
                CrmDataSources.NameOf(database.ConnectionString), login.SslMode.ToString().ToLowerInvariant(), await ServerOf(database, ct)),
            DebugJson.Wire.DatabaseUrlBody);
    }

    // That it cannot be reached is what somebody may have come to find out.
    private static async Task<string?> ServerOf(NpgsqlDataSource database, CancellationToken ct)
    {
        try
        {
            await using var ask = database.CreateCommand("show server_version");
            return await ask.ExecuteScalarAsync(ct) as string;
        }
        catch (NpgsqlException)
        {
            return null;
        }
    }
}

/// <summary>The JSON of the routes for debugging, source-generated.</summary>
[JsonSerializable(typeof(RoutesBody))]
[JsonSerializable(typeof(DatabaseUrlBody))]
public sealed partial class DebugJson : JsonSerializerContext
{
    /// <summary>The context with the wire's formats.</summary>
    public static DebugJson Wire { get; } = new(WireFormats.Options());
}
