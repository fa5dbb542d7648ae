using Npgsql;
using TwoTower.Cli.Commands;
using TwoTower.Cli.Serving;
using TwoTower.Core;

namespace TwoTower.Cli.Tests;

/// <summary>What is refused before a database is asked.</summary>
public class InputFormsTests
{
    private const string Nowhere = "Host=127.0.0.1;Port=1;Username=x;Database=x";

    [Theory]
    [InlineData("5f0c1d2e00004000800000000000000a")]
    [InlineData("{5f0c1d2e-0000-4000-8000-00000000000a}")]
    [InlineData("(5F0C1D2E-0000-4000-8000-00000000000A)")]
    public async Task A_user_id_in_another_form_is_refused_with_the_one_to_write(string user)
    {
        await using var db = NpgsqlDataSource.Create(Nowhere);
        var error = await Assert.ThrowsAsync<InputException>(() => KnownUser.FindAsync(db, user, TestContext.Current.CancellationToken));
        Assert.Equal($"'{user}' is a user_id in a form that isn't taken: write it as 5f0c1d2e-0000-4000-8000-00000000000a", error.Message);
    }

    [Theory]
    [InlineData("TwoTower:Api:Docs", "perhaps", "TwoTower:Api:Docs is 'perhaps', which isn't true or false")]
    [InlineData("TwoTower:Limits:Deadline", "soon", "TwoTower:Limits:Deadline is 'soon', which isn't a time")]
    [InlineData("TwoTower:Api:ReleasePollSeconds", "0", "ReleasePollSeconds")]
    [InlineData("TwoTower:Operators:alice", "short", "TwoTower:Operators:alice: the key must be")]
    public async Task A_setting_that_the_served_API_cannot_use_is_told_as_input(string setting, string value, string expected)
    {
        var settings = new Dictionary<string, string?> { [setting] = value };
        var error = await Assert.ThrowsAsync<InputException>(() =>
            ApiServer.StartAsync(Nowhere, "127.0.0.1", 0, verbose: false, otlp: null, TestContext.Current.CancellationToken, settings));
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
    }
}
