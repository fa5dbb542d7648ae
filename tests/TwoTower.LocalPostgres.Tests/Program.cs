using TwoTower.LocalPostgres;
using TwoTower.LocalPostgres.Machine;

// provide HOME CACHE [containers] | stop HOME CACHE: the provider in a process of its own. Prints "provided PORT PGVECTOR reused|started".
// Any other arguments are the test runner's.
if (args is not ["provide" or "stop", ..]) return await Xunit.Runner.InProc.SystemConsole.ConsoleRunner.Run(args);

var options = new LocalPostgresOptions { Home = args[1], Cache = args[2], AllowContainer = args.Contains("containers"), AllowMachinePrograms = false };
using var stop = new CancellationTokenSource();
Console.CancelKeyPress += (_, pressed) =>
{
    pressed.Cancel = true;
    stop.Cancel();
};

try
{
    if (args[0] == "stop")
    {
        Console.WriteLine(await LocalPostgresServer.StopAsync(options, Console.WriteLine, stop.Token) ? "stopped" : "nothing to stop");
        return 0;
    }

    var provided = await LocalPostgresServer.ProvideAsync(options, Console.WriteLine, stop.Token);
    var port = new Npgsql.NpgsqlConnectionStringBuilder(provided.ConnectionString).Port;
    Console.WriteLine($"provided {port} {provided.PgVector} {(provided.Reused ? "reused" : "started")}");
    return 0;
}
catch (LocalPostgresException e)
{
    Console.WriteLine(e.Message);
    return 2;
}
catch (OperationCanceledException)
{
    return 130;
}
