using System.CommandLine;
using Npgsql;
using TwoTower.Cli.Output;
using TwoTower.Core;
using TwoTower.LocalPostgres.Machine;
using TwoTower.Postgres.Connections;
using TwoTower.Postgres.Serving;
using TwoTower.ServiceDefaults.Commands;
using TwoTower.Supabase.Http;
using TwoTower.Training;
using TwoTower.Training.Loop;
using TwoTower.Training.Samples;

namespace TwoTower.Cli.Hosting;

/// <summary>Runs a verb: makes its <see cref="Session"/>, and turns what goes wrong into one line and an exit code.</summary>
internal sealed class CommandHost(Interruption interruption, TextWriter output, TextWriter error, TimeProvider time)
{
    public TextWriter Output => output;

    public TimeProvider Time => time;

    /// <summary>Gives a command what it does; a verb that returns normally has succeeded.</summary>
    public void Handle(Command command, Func<Session, Task> run) =>
        Handle(command, async session =>
        {
            await run(session);
            return ExitCodes.Success;
        });

    /// <summary>Gives a command what it does, and its exit code.</summary>
    public void Handle(Command command, Func<Session, Task<int>> run) =>
        command.SetAction((parse, ct) => RunAsync(parse, run, ct));

    private async Task<int> RunAsync(ParseResult parse, Func<Session, Task<int>> run, CancellationToken ct)
    {
        var json = parse.GetValue(CommonOptions.Json);
        var verbose = parse.GetValue(CommonOptions.Verbose);
        await using var session = new Session(parse, new Terminal(output, error, json, verbose, time), time, ct);
        try
        {
            return await run(session);
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            error.WriteLine(OneLine($"stopped: {session.Kept ?? "nothing was changed; run the same command to start over"}"));
            return interruption.ExitCode;
        }
        catch (Exception) when (ct.IsCancellationRequested && !verbose)
        {
            // What a cancelled native call or connection throws is not always an OperationCanceledException.
            error.WriteLine(OneLine($"stopped: {session.Kept ?? "nothing was changed; run the same command to start over"}"));
            return interruption.ExitCode;
        }
        catch (Exception e)
        {
            if (verbose)
            {
                error.WriteLine(Secrets.Mask(e.ToString()));
            }

            var (code, message) = Describe(e);
            error.WriteLine(OneLine($"twotower: {Secrets.Mask(message)}"));
            return code;
        }
    }

    /// <summary>The exit code and the message of what went wrong.</summary>
    internal static (int Code, string Message) Describe(Exception e) => e switch
    {
        InputException or LocalPostgresException => (ExitCodes.BadInput, e.Message),
        RecommendationException { Why: NoAnswer.NoUsableRelease } => (ExitCodes.BadInput, $"{e.Message} Run 'twotower train', then 'twotower embed --activate'."),
        NothingToTrainException => (ExitCodes.NothingToTrain, e.Message),
        AlreadyTrainingException => (ExitCodes.AlreadyTraining, e.Message),
        TrainingDivergedException or RemoteException => (ExitCodes.Failure, e.Message),
        PostgresException p when DatabaseErrors.FaultOf(p) == DatabaseFault.DiskFull =>
            (ExitCodes.Failure, $"the database's disk is full ({p.MessageText}); nothing half was kept: make room and run the same command again"),
        PostgresException p when DatabaseErrors.FaultOf(p) == DatabaseFault.NotMigrated =>
            (ExitCodes.BadInput, $"the database lacks a table or function of TwoTower ({p.MessageText}): run 'twotower db migrate' first"),
        PostgresException p => (ExitCodes.Failure, $"the database refused a statement: {p.SqlState} {p.MessageText}"),
        NpgsqlException { InnerException: { } cause } n when DatabaseErrors.FaultOf(n) == DatabaseFault.Away =>
            (ExitCodes.BadInput, $"the database does not answer ({cause.Message}): start it, or correct --database"),
        IOException io when IsFull(io) => (ExitCodes.Failure, $"the disk is full ({io.Message}): make room and run the same command again"),
        _ => (ExitCodes.Failure, $"{e.GetType().Name}: {e.Message} (--verbose shows where)"),
    };

    private static bool IsFull(IOException e) => (e.HResult & 0xffff) is 28 or 112;

    private static string OneLine(string text) =>
        string.Join(' ', text.Split(['\r', '\n'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
}
