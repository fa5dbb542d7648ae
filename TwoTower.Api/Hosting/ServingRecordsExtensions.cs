using Microsoft.Extensions.Options;
using Npgsql;
using TwoTower.Core.Experiments;
using TwoTower.Core.Impressions;
using TwoTower.Core.Releases.Comparison;

namespace TwoTower.Api.Hosting;

/// <summary>Experiments, and what is recorded of answers.</summary>
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
    }
}
