// `dotnet run --project TwoTower.AppHost` runs all of TwoTower on this machine, with Aspire's dashboard. What runs is in
// TwoTowerGraph.cs, the choices on the command line in AppHostOptions.cs; deploy/ writes the same graph for other platforms.
using TwoTower.AppHost;
using TwoTower.Core;
using TwoTower.LocalPostgres.Machine;

try
{
    Arguments.Check(args);
    var builder = DistributedApplication.CreateBuilder(args);
    if (builder.ExecutionContext.IsPublishMode)
    {
        throw new InputException("TwoTower.AppHost runs on this machine and publishes nothing: publish with --project deploy/TwoTower.Deployment "
            + "and the same arguments; it needs Aspire's publisher packages (docs/deploy.md)");
    }

    var options = AppHostOptions.Read(args);
    options.CheckRun(builder.Configuration["ASPNETCORE_URLS"]);
    await builder.AddTwoTowerAsync(options);
    await builder.Build().RunAsync();
    return 0;
}
catch (Exception wrong) when (wrong is InputException or LocalPostgresException)
{
    await Console.Error.WriteLineAsync(wrong.Message);
    return 2;
}
