using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Crm.Web.Http;
using Crm.Web.Security;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace Crm.Web.Documentation;

/// <summary>The OpenAPI document and the page to read and try it.</summary>
public static class OpenApi
{
    private static readonly int[] everyProblem = [400, 429, 503, 504];

    /// <summary>Describes every route.</summary>
    public static void AddCrmDocumentation(this WebApplicationBuilder builder)
    {
        // For the document only: answers are written by their own source-generated contexts.
        builder.Services.ConfigureHttpJsonOptions(json =>
        {
            json.SerializerOptions.Converters.Add(new JsonStringEnumConverter(JsonNamingPolicy.CamelCase, allowIntegerValues: false));
            json.SerializerOptions.NumberHandling = JsonNumberHandling.Strict;
        });
        builder.Services.AddOpenApi("v1", document =>
        {
            document.OpenApiVersion = OpenApiSpecVersion.OpenApi3_1;
            document.AddDocumentTransformer(Describe);
            document.AddOperationTransformer(Describe);
        });
    }

    /// <summary>Maps <c>/openapi/v1.json</c>, open to all.</summary>
    public static void MapDocumentation(this IEndpointRouteBuilder app) => app.MapOpenApi("/openapi/{documentName}.json").AllowAnonymous();

    /// <summary>Serves <c>/docs</c> from the host's own files.</summary>
    public static void UseDocumentationPage(this IApplicationBuilder app) => app.UseSwaggerUI(page =>
    {
        page.RoutePrefix = "docs";
        page.DocumentTitle = "CRM API";
        page.SwaggerEndpoint("/openapi/v1.json", "CRM API v1");
    });

    private static Task Describe(OpenApiDocument document, OpenApiDocumentTransformerContext context, CancellationToken ct)
    {
        document.Info = new OpenApiInfo
        {
            Title = "CRM API",
            Version = "v1",
            Description = "An event-sourced CRM: every change is an event; any past moment can be read. Errors are RFC 9457 problem documents.",
        };
        document.Servers = [];
        document.AddComponent<IOpenApiSecurityScheme>("bearer", new OpenApiSecurityScheme
        {
            Type = SecuritySchemeType.Http,
            Scheme = "bearer",
            BearerFormat = "JWT",
            Description = "The accessToken of POST /api/v1/auth/login.",
        });
        document.AddComponent<IOpenApiSecurityScheme>("apiKey", new OpenApiSecurityScheme
        {
            Type = SecuritySchemeType.Http,
            Scheme = "bearer",
            BearerFormat = "crm_ID_SECRET",
            Description = "A key of POST /api/v1/api-keys. It may what its user may and its scopes name; On-Behalf-Of names another user.",
        });
        return Task.CompletedTask;
    }

    private static async Task Describe(OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken ct)
    {
        var metadata = context.Description.ActionDescriptor.EndpointMetadata;
        operation.Parameters ??= [];
        foreach (var parameter in metadata.OfType<TakesQuery>().SelectMany(takes => takes.Parameters))
        {
            operation.Parameters.Add(Parameter(parameter.Name, ParameterLocation.Query, parameter.Description, SchemaOf(parameter), parameter.Required));
        }

        var open = metadata.OfType<IAllowAnonymous>().Any();
        var isCommand = metadata.OfType<CommandRoute>().Any() && !open;
        if (isCommand)
        {
            operation.Parameters.Add(Header("Idempotency-Key", "Repeating the request with the same key has no second effect and gets the same answer."));
            if (metadata.OfType<CommandRoute>().Any(route => route.ChangesStream))
            {
                operation.Parameters.Add(Header("If-Match", "The version that the caller saw, in quotes; another version answers 412."));
            }

            operation.Parameters.Add(Header("X-Correlation-Id", "Kept with the events, to find what belongs together."));
        }
        else if (metadata.OfType<FollowsLog>().Any())
        {
            operation.Parameters.Add(Header(ReadHeaders.AfterPosition, "Answer only once this position of the log has been reached (at most 5 s)."));
        }

        if (!open && context.Document is { } document)
        {
            operation.Security = [new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference("bearer", document)] = [] }];
            if (ScopesOf(metadata) is { } scopes)
            {
                operation.Security.Add(new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference("apiKey", document)] = scopes });
            }
        }

        await AddProblems(operation, context, isCommand, open, ct);
    }

    private static async Task AddProblems(
        OpenApiOperation operation, OpenApiOperationTransformerContext context, bool isCommand, bool open, CancellationToken ct)
    {
        var schema = await context.GetOrCreateSchemaAsync(typeof(Problem), parameterDescription: null, ct);
        context.Document?.AddComponent("Problem", schema);
        IEnumerable<int> statuses = everyProblem;
        statuses = open ? statuses : statuses.Concat([401, 403]);
        statuses = isCommand ? statuses.Concat([409, 412, 413, 415, 422]) : statuses;
        statuses = context.Description.RelativePath?.Contains('{', StringComparison.Ordinal) is true ? statuses.Append(404) : statuses;
        operation.Responses ??= [];
        foreach (var status in statuses.Order())
        {
            operation.Responses[status.ToString(CultureInfo.InvariantCulture)] = new OpenApiResponse
            {
                Description = status switch
                {
                    400 => "The request cannot be read, or a parameter is wrong.",
                    401 => "Nobody is signed in.",
                    403 => "The role does not permit it.",
                    404 => "There is no such thing.",
                    409 => "The state it is in does not permit it; code says why.",
                    412 => "It is not at the version of If-Match; changed says what differs.",
                    413 => "The body is too large.",
                    415 => "The media type is not supported.",
                    422 => "Fields are not valid; errors names each.",
                    429 => "Too many requests; Retry-After says when to ask again.",
                    503 => "Not available just now; Retry-After says when to repeat.",
                    504 => "It took too long.",
                    _ => "A problem.",
                },
                Content = new Dictionary<string, OpenApiMediaType>(StringComparer.Ordinal)
                {
                    ["application/problem+json"] = new() { Schema = new OpenApiSchemaReference("Problem", context.Document) },
                },
            };
        }
    }

    /// <summary>The scopes that an API key needs for a route; null where none may.</summary>
    private static List<string>? ScopesOf(IList<object> metadata)
    {
        var policies = metadata.OfType<IAuthorizeData>().Select(static asked => asked.Policy ?? Policies.SignedIn).ToHashSet(StringComparer.Ordinal);
        return policies.Count > 0 && policies.All(Policies.KeyScopes.ContainsKey)
            ? [.. policies.Select(static policy => Policies.KeyScopes[policy]).Where(static scope => scope.Length > 0).Distinct(StringComparer.Ordinal)]
            : null;
    }

    private static OpenApiParameter Header(string name, string description) =>
        Parameter(name, ParameterLocation.Header, description, new OpenApiSchema { Type = JsonSchemaType.String }, required: false);

    private static OpenApiParameter Parameter(string name, ParameterLocation where, string description, OpenApiSchema schema, bool required) =>
        new() { Name = name, In = where, Description = description, Schema = schema, Required = required };

    private static OpenApiSchema SchemaOf(QueryParameter parameter) => parameter.Kind switch
    {
        ParameterKind.Text => new OpenApiSchema { Type = JsonSchemaType.String },
        ParameterKind.Number => new OpenApiSchema { Type = JsonSchemaType.Integer },
        ParameterKind.Time => new OpenApiSchema { Type = JsonSchemaType.String, Format = "date-time" },
        ParameterKind.Id => new OpenApiSchema { Type = JsonSchemaType.String, Format = "uuid" },
        ParameterKind.Word => new OpenApiSchema
        {
            Type = JsonSchemaType.String,
            Enum = [.. parameter.Words.Select(word => (JsonNode)JsonValue.Create(word))],
        },
    };
}
