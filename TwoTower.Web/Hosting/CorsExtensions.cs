using Microsoft.AspNetCore.Cors.Infrastructure;
using Microsoft.Extensions.Options;
using TwoTower.Web.Settings;

namespace TwoTower.Web.Hosting;

/// <summary>What pages of other sites may ask, by setting; without one, nothing.</summary>
internal static class CorsExtensions
{
    /// <summary>The policy of the paths for users.</summary>
    public const string Users = "users";

    public static void AddCorsBySetting(this IServiceCollection services)
    {
        services.AddCors();
        services.AddOptions<CorsOptions>().Configure<IOptions<ApiOptions>>((cors, api) => cors.AddPolicy(Users, policy =>
        {
            var origins = api.Value.CorsOrigins?.Split(';') ?? [];
            if (origins is ["*"]) policy.AllowAnyOrigin();
            else if (origins is not [] and not [""]) policy.WithOrigins(origins);
            else return;

            // No cookies: the gateway's token is in a header.
            policy.WithMethods("GET", "HEAD", "POST").WithHeaders("Content-Type", "Authorization", "traceparent", "tracestate")
                .WithExposedHeaders("Retry-After", "Allow").SetPreflightMaxAge(TimeSpan.FromMinutes(10));
        }));
    }
}
