using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Npgsql;
using TwoTower.Postgres.Experiments.Rollback;
using TwoTower.Postgres.Impressions;
using TwoTower.Postgres.Serving;

namespace TwoTower.ServiceDefaults.Upkeep;

/// <summary>What goes on beside answering, whoever answers.</summary>
internal static class UpkeepExtensions
{
    /// <summary>
    /// Counts likes, watches the active release and drops old impressions, with the settings that say how. Any number of processes may.
    /// </summary>
    /// <param name="countEvery">Pause between two counts of likes; zero: another process counts.</param>
    public static void AddUpkeep(this IServiceCollection services, Func<IServiceProvider, TimeSpan> countEvery)
    {
        services.AddOptions<PopularityOptions>().BindConfiguration(PopularityOptions.Section).ValidateOnStart();
        services.AddSingleton<IValidateOptions<PopularityOptions>, PopularityOptionsValidator>();
        services.AddSingleton<VideoStatistics>();
        services.AddHostedService(provider => new StatisticsRefresh(
            provider.GetRequiredService<VideoStatistics>(), countEvery(provider), provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<StatisticsRefresh>>()));

        services.AddOptions<RollbackOptions>().BindConfiguration(RollbackOptions.Section).ValidateOnStart();
        services.AddSingleton<IValidateOptions<RollbackOptions>, RollbackOptionsValidator>();
        services.AddSingleton(provider => new AutomaticRollback(
            provider.GetRequiredService<NpgsqlDataSource>(), provider.GetRequiredService<IOptions<RollbackOptions>>().Value,
            provider.GetRequiredService<IOptions<PopularityOptions>>().Value));
        services.AddHostedService<RollbackWatch>();

        services.AddOptions<ImpressionOptions>().BindConfiguration(ImpressionOptions.Section).ValidateOnStart();
        services.AddSingleton<IValidateOptions<ImpressionOptions>, ImpressionOptionsValidator>();
        services.AddSingleton(provider => new ImpressionRetention(
            provider.GetRequiredService<NpgsqlDataSource>(), provider.GetRequiredService<IOptions<ImpressionOptions>>().Value,
            provider.GetRequiredService<TimeProvider>()));
        services.AddHostedService<ImpressionPruning>();
    }
}
