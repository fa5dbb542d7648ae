using Microsoft.Extensions.Options;
using TwoTower.Core;
using TwoTower.Embedder.Publishing;
using TwoTower.Embedding;
using TwoTower.Embedding.Settings;
using TwoTower.Postgres.Gate;
using TwoTower.ServiceDefaults;
using TwoTower.ServiceDefaults.Database;
using TwoTower.ServiceDefaults.Upkeep;
using TwoTower.Supabase.Http;
using TwoTower.Supabase.Publishing;
using TwoTower.Supabase.Stores;

// A service that runs until it is told to stop. The database may come later than we do, or go for a while: the worker waits for it.
try
{
    var builder = Host.CreateApplicationBuilder(args);
    builder.AddServiceDefaults();
    builder.AddTwoTowerDatabase("twotower");
    builder.Services.AddOptions<EmbedderOptions>().BindConfiguration(EmbedderOptions.Section).ValidateOnStart();
    builder.Services.AddSingleton<IValidateOptions<EmbedderOptions>, EmbedderOptionsValidator>();

    // The gate is the same for whoever runs it; what its section says wins over the embedder's own.
    builder.Services.Configure<EmbedderOptions>(
        options => builder.Configuration.GetSection(GateOptions.Section).Bind(options.Embedding.Gate));
    builder.Services.AddHostedService<EmbedderWorker>();
    if (builder.Configuration.GetValue<bool>($"{EmbedderOptions.Section}:{nameof(EmbedderOptions.Upkeep)}"))
    {
        builder.Services.AddUpkeep(_ => TimeSpan.FromMinutes(1));
    }

    AddPublishing(builder);
    var host = builder.Build();
    BackgroundService[] loops = [.. host.Services.GetServices<IHostedService>().OfType<BackgroundService>()];
    await host.RunAsync(); // disposes the host as well

    // On .NET 10 a hosted service that fails stops the host and the process exits with 0: the orchestrator must hear of it.
    return loops.Any(loop => loop.ExecuteTask is { IsFaulted: true }) ? 1 : 0;
}
catch (InputException e)
{
    await Console.Error.WriteLineAsync(e.Message);
    return 2;
}
catch (Exception e) when (SettingFault.Explain(e) is { } line)
{
    await Console.Error.WriteLineAsync(line);
    return 2;
}

// Where nothing is watched, nothing is asked of the settings of a store.
static void AddPublishing(HostApplicationBuilder builder)
{
    builder.Services.AddOptions<PublishOptions>().BindConfiguration(PublishOptions.Section).ValidateOnStart();
    builder.Services.AddSingleton<IValidateOptions<PublishOptions>, PublishOptionsValidator>();
    if (builder.Configuration[$"{PublishOptions.Section}:{nameof(PublishOptions.Place)}"] is not { Length: > 0 } place) return;
    var bucket = builder.Configuration[$"{PublishOptions.Section}:{nameof(PublishOptions.Bucket)}"] ?? new PublishOptions().Bucket;
    var store = StoreAddress.Open(place, bucket, Connect, Environment.GetEnvironmentVariable);
    builder.Services.AddSingleton(_ => store); // of a factory, so that it is disposed
    builder.Services.AddHostedService<PublicationService>();
}

// Retries are the store's own business: what fails in the end is told.
static SupabaseClient Connect()
{
    var project = ProjectAccess.Read(null, null, Environment.GetEnvironmentVariable);
    if (project.IsExposed) Console.Error.WriteLine(project.Exposure);
    return new(project, TimeProvider.System);
}
