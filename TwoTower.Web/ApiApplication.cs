using System.Text.Json.Serialization;
using Microsoft.AspNetCore.HostFiltering;
using Microsoft.Extensions.Options;
using Npgsql;
using TwoTower.Core.Formats;
using TwoTower.Postgres.Gate;
using TwoTower.Postgres.Releases;
using TwoTower.Postgres.Serving;
using TwoTower.ServiceDefaults;
using TwoTower.ServiceDefaults.Database;
using TwoTower.ServiceDefaults.Health;
using TwoTower.ServiceDefaults.Telemetry;
using TwoTower.ServiceDefaults.Upkeep;
using TwoTower.Web.Decisions;
using TwoTower.Web.Experiments;
using TwoTower.Web.Hosting;
using TwoTower.Web.Json;
using TwoTower.Web.OpenApi;
using TwoTower.Web.Problems;
using TwoTower.Web.Recommendations;
using TwoTower.Web.Releases;
using TwoTower.Web.Requests;
using TwoTower.Web.Settings;
using TwoTower.Web.Videos;

namespace TwoTower.Web;

/// <summary>The recommendation API, as a process of its own or inside another (<c>twotower serve</c>).</summary>
internal static class ApiApplication
{
    /// <summary>Name of the connection string that it reads.</summary>
    public const string ConnectionName = "twotower";

    /// <summary>Builds the application; it needs no database before a request comes.</summary>
    /// <param name="args">Command line, such as <c>--urls http://127.0.0.1:5080</c>.</param>
    /// <param name="configure">Has the last word on the configuration, before anything is registered by it.</param>
    /// <exception cref="Core.InputException">A setting is missing or can't be used.</exception>
    public static WebApplication Create(string[] args, Action<WebApplicationBuilder>? configure = null)
    {
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions
        {
            Args = args,
            ApplicationName = typeof(ApiApplication).Assembly.GetName().Name, // an assembly that is there: the host loads it
            ContentRootPath = AppContext.BaseDirectory,
        });
        configure?.Invoke(builder);

        builder.AddQuietStart();
        builder.AddServiceDefaults();
        builder.AddTwoTowerDatabase(ConnectionName, configureDataSourceBuilder: ForRequests);
        builder.AddKeyedTwoTowerDatabase(ConnectionName, BundleTransfers.Database);
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;

            // Eight times what is allowed: what is too long gets an answer that says so. What is longer still the server cuts off by
            // itself, with the status only.
            kestrel.Limits.MaxRequestLineSize = 8 * BodySize.MostUrl;
            kestrel.Limits.MaxRequestHeadersTotalSize = 8 * BodySize.MostHeaders;
        });

        builder.Services.AddOptions<ApiOptions>().BindConfiguration(ApiOptions.Section).ValidateOnStart();
        builder.Services.AddSingleton<IValidateOptions<ApiOptions>, ApiOptionsValidator>();
        builder.Services.AddOptions<OperatorOptions>().ValidateOnStart()
            .Configure<IConfiguration>((options, configuration) => configuration.GetSection(OperatorOptions.Section).Bind(options.Names));
        builder.Services.AddSingleton<IValidateOptions<OperatorOptions>, OperatorOptionsValidator>();
        builder.Services.AddSingleton<Operators>();
        builder.Services.AddOptions<RecommendationOptions>().BindConfiguration(RecommendationOptions.Section).ValidateOnStart();
        builder.Services.AddSingleton<IValidateOptions<RecommendationOptions>, RecommendationOptionsValidator>();

        builder.Services.AddOptions<GateOptions>().BindConfiguration(GateOptions.Section).ValidateOnStart();
        builder.Services.AddSingleton<IValidateOptions<GateOptions>, GateOptionsValidator>();

        builder.Services.AddOptions<ServingLimits>().BindConfiguration(ServingLimits.Section).ValidateOnStart();
        builder.Services.AddSingleton<IValidateOptions<ServingLimits>, ServingLimitsValidator>();
        builder.Services.AddSingleton<RequestSlots>();
        builder.Services.AddSingleton<OperatorTurns>();
        KeepThreads(builder.Configuration.GetSection(ServingLimits.Section).Get<ServingLimits>() ?? new());

        builder.Services.AddSingleton<ReleaseStore>();
        builder.Services.AddSingleton<ReleaseRetention>();
        builder.Services.AddSingleton(services => new ReleaseGate(
            services.GetRequiredKeyedService<NpgsqlDataSource>(BundleTransfers.Database),
            services.GetRequiredService<IOptions<GateOptions>>().Value));
        builder.Services.AddSingleton<BundleTransfers>();
        builder.Services.AddSingleton(services => new TowerCache(
            services.GetRequiredService<ReleaseStore>(),
            services.GetRequiredService<IOptions<RecommendationOptions>>().Value.LoadedTowers));
        builder.Services.AddServingRecords();
        builder.Services.AddSingleton<RecommendationService>();
        builder.Services.AddSingleton<DecisionStore>();
        builder.Services.AddSingleton<DecisionLimit>();
        builder.Services.AddHostedService<ReleaseWatch>();
        builder.Services.AddUpkeep(services =>
            TimeSpan.FromSeconds(services.GetRequiredService<IOptions<ApiOptions>>().Value.StatisticsRefreshSeconds));

        builder.Services.AddValidation();
        builder.Services.AddSingleton<KnownParameters>();
        builder.Services.AddProblems();
        builder.Services.AddCorsBySetting();
        builder.Services.AddCompression();
        builder.Services.Configure<HostFilteringOptions>(options => options.AllowedHosts = ["*"]); // HostFilter decides
        builder.Services.AddApiDocument();
        builder.Services.ConfigureHttpJsonOptions(json =>
        {
            json.SerializerOptions.NumberHandling = JsonNumberHandling.Strict;
            json.SerializerOptions.UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow;
            json.SerializerOptions.Converters.Add(new InstantConverter());
            json.SerializerOptions.Converters.Add(new TextJsonConverter());
            json.SerializerOptions.Converters.Add(new UuidJsonConverter());
            json.SerializerOptions.TypeInfoResolverChain.Insert(0, ApiJson.Default);
        });

        var app = builder.Build();
        Answer(app);
        return app;
    }

    // Who comes first has the last word on an answer.
    private static void Answer(WebApplication app)
    {
        var options = app.Services.GetRequiredService<IOptions<ApiOptions>>().Value;
        app.UseMiddleware<AnswerHeaders>();
        app.UseResponseCompression();
        app.UseExceptionHandler();
        app.UseStatusCodePages();
        app.UseMiddleware<HostFilter>();
        app.UseMiddleware<OtherMethods>();
        app.UseRouting();
        app.UseCors();
        app.UseMiddleware<OperatorGate>();
        app.UseMiddleware<RequestGuard>();
        app.MapDefaultEndpoints();
        app.MapMetricsBySetting();
        app.MapApiDocument(options);

        var users = app.MapGroup("").RequireCors(CorsExtensions.Users).WithCommonAnswers();
        users.MapRecommendations();
        users.MapVideos();
        users.MapDecisions();

        // Without a key there is nothing to guess at: the paths aren't there.
        if (!app.Services.GetRequiredService<Operators>().Any) return;
        var registry = app.MapGroup("").WithMetadata(new OperatorsOnly()).WithCommonAnswers().AddEndpointFilter<RouteGroupBuilder, OperatorTurn>();
        registry.MapReleases();
        registry.MapExperiments();
    }

    /// <summary>Runs the process to its end.</summary>
    /// <returns>0 after a shutdown, 2 when it couldn't start for a reason that a person can change.</returns>
    public static async Task<int> RunAsync(string[] args)
    {
        try
        {
            await using var app = Create(args);
            await app.RunAsync();
            return 0;
        }
        catch (Exception e) when (StartFailure.Explain(e) is { } line)
        {
            await Console.Error.WriteLineAsync(line);
            return 2;
        }
    }

    // Npgsql gives up on a silent server on the pool's threads: one for each request at the database, at most, users' and operators'.
    // Beside them there must be some for those that need no database; the pool would make new ones one or two a second.
    private static void KeepThreads(ServingLimits limits)
    {
        ThreadPool.GetMinThreads(out var workers, out var completions);
        var giveUp = Math.Clamp(limits.ConcurrentRequests, 1, 1_000)
            + OperatorTurns.ShortAtOnce + OperatorTurns.LongAtOnce + BundleTransfers.AtOnce;
        ThreadPool.SetMinThreads(Math.Max(workers, giveUp + 32), completions);
    }

    private static void ForRequests(NpgsqlDataSourceBuilder dataSource)
    {
        // Jobs wait as long as it takes; a request doesn't.
        if (dataSource.ConnectionStringBuilder.CommandTimeout == 0) dataSource.ConnectionStringBuilder.CommandTimeout = 30;
    }
}
