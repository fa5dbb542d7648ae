using Microsoft.OpenApi;
using Scalar.AspNetCore;
using TwoTower.Web.Requests;
using TwoTower.Web.Settings;

namespace TwoTower.Web.OpenApi;

/// <summary>The OpenAPI document at <c>/openapi/v1.json</c> and the page that shows it at <c>/docs</c>, which <c>/</c> leads to.</summary>
internal static class ApiDocument
{
    private static readonly Dictionary<string, string> Tags = new()
    {
        ["Recommendations"] = "Videos for a user.",
        ["Videos"] = "Videos like a video.",
        ["Decisions"] = "What users like, and what they don't.",
        ["Releases"] = "The registry of releases, for operators.",
        ["Experiments"] = "Another release for a share of the users, for operators.",
    };

    public static void AddApiDocument(this IServiceCollection services) =>
        services.AddOpenApi("v1", options =>
        {
            options.AddDocumentTransformer((document, _, _) =>
            {
                document.Info.Title = "TwoTower";
                document.Info.Version = "v1";
                document.Info.Description =
                    "Video recommendations by a two-tower model. Every error is a problem document (application/problem+json). "
                    + "Health: `/health/live`, `/health/ready`.";

                document.Info.License = new() { Name = "MIT", Identifier = "MIT" };

                // The page asks whoever served it; a name that only the server knows would fail behind a proxy.
                document.Servers = [new() { Url = "/", Description = "Whoever serves this document." }];
                foreach (var tag in document.Tags ?? new HashSet<OpenApiTag>()) tag.Description = Tags.GetValueOrDefault(tag.Name ?? "");
                document.Tags = document.Tags?.OrderBy(tag => tag.Name, StringComparer.Ordinal).ToHashSet();
                return Task.CompletedTask;
            });
            options.AddSchemaTransformer<SchemaTypes>();
            options.AddOperationTransformer<ExampleTransformer>();
            options.AddOperationTransformer<OperatorTransformer>();
            options.AddDocumentTransformer<OperatorTransformer>();
        });

    public static void MapApiDocument(this WebApplication app, ApiOptions options)
    {
        if (!options.OpenApi) return;
        app.MapOpenApi();
        if (!options.Docs) return;
        app.MapScalarApiReference("/docs", page => page
            .WithTitle("TwoTower API")
            .DisableDefaultFonts() // fonts come from another site; the page's script is in the package
            .HideDeveloperTools()
            .WithDynamicBaseServerUrl()
            .DisableAgent()
            .DisableTelemetry()
            .WithNonce())
            .WithMetadata(new ContentSecurityPolicy(PagePolicy));
        app.MapGet("/", () => TypedResults.Redirect("/docs")).ExcludeFromDescription();
    }

    // The page's script makes styles as it runs, and asks the document and the operations of this site only.
    private static string PagePolicy(HttpContext context) =>
        $"default-src 'none'; script-src 'self' 'nonce-{context.Items[ScalarOptions.NonceHttpContextItemKey]}'; "
        + "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; base-uri 'none'; "
        + "form-action 'none'; frame-ancestors 'none'";
}
