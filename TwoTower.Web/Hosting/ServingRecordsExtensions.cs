using Microsoft.Extensions.Options;
using Npgsql;
using TwoTower.Postgres.Experiments;
using TwoTower.Postgres.Experiments.Comparison;
using TwoTower.Postgres.Impressions;
using TwoTower.Postgres.Releases;

namespace TwoTower.Web.Hosting;

/// <summary>Experiments, and what is recorded of answers.</summary>
internal static class ServingRecordsExtensions
{
    public static void AddServingRecords(this IServiceCollection services)
    {
        services.AddSingleton<ExperimentStore>();
        services.AddSingleton<ReleaseComparer>();
        services.AddSingleton<ServingRecorder>();
        services.AddSingleton(provider => new ServingRecordWriter(
            provider.GetRequiredService<NpgsqlDataSource>(), provider.GetRequiredService<ServingRecorder>(),
            provider.GetRequiredService<IOptions<ImpressionOptions>>().Value));
        services.AddHostedService<ServingRecords>();
        services.AddSingleton<ActivationHistory>();
    }
}
