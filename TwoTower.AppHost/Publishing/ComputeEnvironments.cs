using Microsoft.Extensions.Configuration;
using TwoTower.Core;

namespace TwoTower.AppHost.Publishing;

/// <summary>Where a publish puts things.</summary>
internal static class ComputeEnvironments
{
    /// <summary>Adds the one environment of this publish; nothing in a run.</summary>
    public static void AddComputeEnvironment(this IDistributedApplicationBuilder builder, AppHostOptions options)
    {
        if (builder.ExecutionContext.IsRunMode)
        {
            return;
        }

        switch (options.Target)
        {
            case PublishTarget.Compose:
                builder.AddDockerComposeEnvironment("compose");
                break;
            case PublishTarget.Kubernetes:
                RequireConnectionString(builder, options);

                // The default storage is the pod's own (emptyDir): a database in it would be gone with its pod.
                builder.AddKubernetesEnvironment("kubernetes")
                    .WithProperties(kubernetes =>
                    {
                        kubernetes.DefaultStorageType = "pvc";
                        kubernetes.DefaultStorageSize = "20Gi";
                    })
                    .WithHelm(chart => chart.WithChartName("twotower"));
                break;
            case PublishTarget.Azure:
                builder.AddAzureContainerAppEnvironment("azure");
                break;
        }
    }

    // The chart's publisher wants every parameter's value, although it writes no secret's, and asks for what is missing. Started by
    // the Aspire command line there is somebody to ask; started by `dotnet run` it would wait for ever.
    private static void RequireConnectionString(IDistributedApplicationBuilder builder, AppHostOptions options)
    {
        if (options.Database == DatabaseChoice.ConnectionString
            && builder.Configuration.GetConnectionString("twotower") is null
            && builder.Configuration["ASPIRE_BACKCHANNEL_PATH"] is null)
        {
            throw new InputException("no connection string: set ConnectionStrings__twotower (the chart gets a placeholder, not its value), "
                + "or publish with `aspire publish`, which asks for it");
        }
    }
}
