// Writes TwoTower's graph (TwoTower.AppHost/TwoTowerGraph.cs) for Docker Compose, Kubernetes or Azure Container Apps: docs/deploy.md.
using TwoTower.AppHost;
using TwoTower.Core;
using TwoTower.Deployment;

try
{
    Arguments.Check(args);
    var builder = DistributedApplication.CreateBuilder(args);
    if (builder.ExecutionContext.IsRunMode)
    {
        throw new InputException("TwoTower.Deployment publishes and runs nothing: add --operation publish (docs/deploy.md), or run TwoTower.AppHost");
    }

    var options = DeploymentOptions.Read(args);

    // Without a compute environment a publish writes nothing and still exits 0; with two it asks which. So: one, always.
    IPlatform platform = options.Target switch
    {
        PublishTarget.Compose => new ComposePlatform(builder, options),
        PublishTarget.Kubernetes => new KubernetesPlatform(builder, options),
        _ => new AzurePlatform(builder, options),
    };
    await builder.AddTwoTowerAsync(options.Graph, platform);
    await builder.Build().RunAsync();
    return 0;
}
catch (InputException wrong)
{
    await Console.Error.WriteLineAsync(wrong.Message);
    return 2;
}
