using Microsoft.Extensions.Options;
using Npgsql;
using TwoTower.Postgres.Experiments;
using TwoTower.Postgres.Experiments.Comparison;
using TwoTower.Postgres.Experiments.Rollback;
using TwoTower.Postgres.Impressions;
using TwoTower.Postgres.Releases;

namespace TwoTower.Web.Hosting;

/// <summary>Experiments, what is recorded of answers, and who goes by it.</summary>
internal static class ServingRecordsExtensions
{
    public static void AddServingRecords(this IServiceCollection services)
    {
        services.AddOptions<ImpressionOptions>().BindConfiguration(ImpressionOptions.Section).ValidateOnStart();
        services.AddSingleton<IValidateOptions<ImpressionOptions>, ImpressionOptionsValidator>();
        services.AddSingleton<ExperimentStore>();
        services.AddSingleton<ReleaseComparer>();
        services.AddSingleton<ServingRecorder>();
        services.AddSingleton(provider => new ServingRecordWriter(
            provider.GetRequiredService<NpgsqlDataSource>(), provider.GetRequiredService<ServingRecorder>(),
            provider.GetRequiredService<IOptions<ImpressionOptions>>().Value));
        services.AddSingleton(provider => new ImpressionRetention(
            provider.GetRequiredService<NpgsqlDataSource>(), provider.GetRequiredService<IOptions<ImpressionOptions>>().Value,
            provider.GetRequiredService<TimeProvider>()));
        services.AddHostedService<ServingRecords>();

        services.AddOptions<RollbackOptions>().BindConfiguration(RollbackOptions.Section).ValidateOnStart();
        services.AddSingleton<IValidateOptions<RollbackOptions>, RollbackOptionsValidator>();
        services.AddSingleton<ActivationHistory>();
        services.AddSingleton(provider => new AutomaticRollback(
            provider.GetRequiredService<NpgsqlDataSource>(), provider.GetRequiredService<IOptions<RollbackOptions>>().Value));
        services.AddHostedService<RollbackWatch>();
    }
}
