namespace TwoTower.Web.Hosting;

/// <summary>A start that fails ends with one line that says why; the two stack traces that the framework logs about it are left
/// out.</summary>
internal static class QuietStart
{
    private static readonly string[] Categories = ["Microsoft.Extensions.Hosting.Internal.Host", "Microsoft.AspNetCore.Server.Kestrel"];

    public static void AddQuietStart(this WebApplicationBuilder builder)
    {
        var started = new Started();
        foreach (var category in Categories)
        {
            builder.Logging.AddFilter(category, level => level >= LogLevel.Warning && (started.Value || level < LogLevel.Error));
        }

        builder.Services.AddSingleton(started);
        builder.Services.AddHostedService<StartedService>();
    }

    private sealed class Started
    {
        public volatile bool Value;
    }

    private sealed class StartedService(IHostApplicationLifetime lifetime, Started started) : IHostedService
    {
        public Task StartAsync(CancellationToken cancellationToken)
        {
            lifetime.ApplicationStarted.Register(() => started.Value = true);
            return Task.CompletedTask;
        }

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
