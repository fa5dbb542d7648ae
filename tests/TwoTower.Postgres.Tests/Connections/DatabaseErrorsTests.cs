using System.Net.Sockets;
using Microsoft.EntityFrameworkCore;
using Npgsql;
using TwoTower.Postgres.Connections;
using TwoTower.Postgres.Serving;

namespace TwoTower.Postgres.Tests.Connections;

/// <summary>The table of the database's errors: what each is, and whether another try may help.</summary>
public class DatabaseErrorsTests
{
    [Theory]
    [InlineData(PostgresErrorCodes.CannotConnectNow, "the database system is starting up", DatabaseFault.Away, true)]
    [InlineData(PostgresErrorCodes.TooManyConnections, "sorry, too many clients already", DatabaseFault.Away, true)]
    [InlineData(PostgresErrorCodes.OutOfMemory, "out of memory", DatabaseFault.Away, true)]
    [InlineData(PostgresErrorCodes.ProtocolViolation, "query_wait_timeout", DatabaseFault.Away, true)]
    [InlineData(PostgresErrorCodes.ProtocolViolation, "server conn crashed?", DatabaseFault.Cut, true)]
    [InlineData(PostgresErrorCodes.AdminShutdown, "terminating connection due to administrator command", DatabaseFault.Cut, true)]
    [InlineData(PostgresErrorCodes.CrashShutdown, "terminating connection because of crash of another server process", DatabaseFault.Cut, true)]
    [InlineData(PostgresErrorCodes.IdleSessionTimeout, "terminating connection due to idle-session timeout", DatabaseFault.Cut, true)]
    [InlineData(PostgresErrorCodes.DeadlockDetected, "deadlock detected", DatabaseFault.Busy, true)]
    [InlineData(PostgresErrorCodes.SerializationFailure, "could not serialize access", DatabaseFault.Busy, true)]
    [InlineData(PostgresErrorCodes.LockNotAvailable, "canceling statement due to lock timeout", DatabaseFault.Busy, true)]
    [InlineData(PostgresErrorCodes.IoError, "could not read block", DatabaseFault.Busy, true)]
    [InlineData(PostgresErrorCodes.QueryCanceled, "canceling statement due to statement timeout", DatabaseFault.Cancelled, false)]
    [InlineData(PostgresErrorCodes.DiskFull, "could not extend file: No space left on device", DatabaseFault.DiskFull, true)]
    [InlineData(PostgresErrorCodes.UndefinedTable, "relation \"two_tower.releases\" does not exist", DatabaseFault.NotMigrated, false)]
    [InlineData(PostgresErrorCodes.UndefinedFunction, "function two_tower.request_context(uuid) does not exist", DatabaseFault.NotMigrated, false)]
    [InlineData(PostgresErrorCodes.InvalidSchemaName, "schema \"two_tower\" does not exist", DatabaseFault.NotMigrated, false)]
    [InlineData(PostgresErrorCodes.UndefinedColumn, "column e.embedding does not exist", DatabaseFault.NotMigrated, false)]
    [InlineData(PostgresErrorCodes.InsufficientPrivilege, "permission denied for table videos", DatabaseFault.Denied, false)]
    [InlineData(PostgresErrorCodes.InvalidPassword, "password authentication failed", DatabaseFault.Refused, false)]
    [InlineData(PostgresErrorCodes.InvalidAuthorizationSpecification, "no pg_hba.conf entry", DatabaseFault.Refused, false)]
    [InlineData(PostgresErrorCodes.InvalidCatalogName, "database \"x\" does not exist", DatabaseFault.Refused, false)]
    [InlineData("TT101", "release is active", DatabaseFault.Rule, false)]
    [InlineData("TT201", "release is gone", DatabaseFault.Rule, false)]
    [InlineData(PostgresErrorCodes.UniqueViolation, "duplicate key", DatabaseFault.Bug, false)]
    [InlineData(PostgresErrorCodes.SyntaxError, "syntax error", DatabaseFault.Bug, false)]
    public void What_a_server_answers_has_a_kind(string code, string text, DatabaseFault fault, bool isPassing)
    {
        var error = new PostgresException(text, "ERROR", "ERROR", code);
        Assert.Equal((fault, isPassing), (DatabaseErrors.FaultOf(error), DatabaseErrors.IsPassing(error)));
    }

    [Theory]
    [InlineData(PostgresErrorCodes.UndefinedTable, true)]
    [InlineData(PostgresErrorCodes.UndefinedFunction, true)]
    [InlineData(PostgresErrorCodes.InvalidSchemaName, true)]
    [InlineData(PostgresErrorCodes.UndefinedColumn, false)] // perhaps of a release's own table
    [InlineData(PostgresErrorCodes.InsufficientPrivilege, false)]
    [InlineData("TT201", false)]
    [InlineData(PostgresErrorCodes.SyntaxError, false)]
    public void A_part_of_the_schema_that_lacks_is_no_releases_fault_whoever_was_asked(string code, bool lacks)
    {
        var error = new PostgresException("x", "ERROR", "ERROR", code);
        Assert.All(
            new Exception[] { error, new DbUpdateException("not saved", error), new DbUpdateException("not saved", new DbUpdateException("x", error)) },
            e => Assert.Equal(lacks, DatabaseErrors.LacksPart(e)));
        Assert.Equal(lacks, !ReleaseFault.IsPossible(error) && code is not PostgresErrorCodes.InsufficientPrivilege);
        Assert.False(DatabaseErrors.LacksPart(new InvalidOperationException("x", error)));
    }

    [Fact]
    public void A_connection_that_breaks_is_cut_and_one_that_never_was_is_away()
    {
        Assert.Equal(DatabaseFault.Cut, DatabaseErrors.FaultOf(new NpgsqlException("Exception while reading from stream", new IOException("reset"))));
        Assert.Equal(DatabaseFault.Cut, DatabaseErrors.FaultOf(new NpgsqlException("Exception while reading from stream", new EndOfStreamException())));
        Exception[] away = [new NpgsqlException("refused", new SocketException(111)), new NpgsqlException("slow", new TimeoutException()), new SocketException(111), new TimeoutException()];
        Assert.All(away, error => Assert.Equal(DatabaseFault.Away, DatabaseErrors.FaultOf(error)));
        Assert.All(away, error => Assert.True(DatabaseErrors.IsPassing(error)));
    }

    [Fact]
    public void What_is_not_of_the_database_has_no_kind() =>
        Assert.All(
            new Exception[] { new IOException("a file"), new InvalidOperationException(), new OperationCanceledException() },
            error => Assert.True(DatabaseErrors.FaultOf(error) is null && !DatabaseErrors.IsPassing(error)));
}
