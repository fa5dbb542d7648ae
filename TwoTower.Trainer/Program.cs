using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;
using TwoTower.Core;
using TwoTower.ServiceDefaults;
using TwoTower.ServiceDefaults.Commands;
using TwoTower.ServiceDefaults.Database;
using TwoTower.Trainer.Hosting;

// A job, not a service: the work is awaited here and its outcome is the exit code. (A BackgroundService that fails exits with 0.)
try
{
    var builder = Host.CreateApplicationBuilder();
    builder.AddServiceDefaults();
    builder.AddTwoTowerDatabase("twotower");
    builder.Services.AddOptions<TrainerSettings>().BindConfiguration(TrainerSettings.Section).ValidateDataAnnotations().ValidateOnStart();
    using var host = builder.Build();
    await host.StartAsync();

    var settings = host.Services.GetRequiredService<Microsoft.Extensions.Options.IOptions<TrainerSettings>>().Value;
    var log = host.Services.GetRequiredService<ILoggerFactory>().CreateLogger("TwoTower.Trainer");
    var rounds =
        new TrainerRounds(
            host.Services.GetRequiredService<NpgsqlDataSource>(), settings, host.Services.GetRequiredService<TimeProvider>(), log);
    var stopping = host.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping;
    // The host already listens for Ctrl-C and SIGTERM; two listeners would race for the exit code.
    var command = TrainerCommand.Create(settings.Recipe, rounds.RunAsync, line => log.LogInformation("{Line}", line)).Parse(args);
    var code = await command.InvokeAsync(new() { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null }, stopping);
    await host.StopAsync();
    return command.Errors.Count > 0 ? ExitCodes.BadInput : code;
}
catch (InputException e)
{
    await Console.Error.WriteLineAsync(e.Message);
    return ExitCodes.BadInput;
}
catch (Exception e) when (SettingFault.Explain(e) is { } line)
{
    await Console.Error.WriteLineAsync(line);
    return ExitCodes.BadInput;
}
