using System.Text.Json;
using TwoTower.Postgres.Schema;
using TwoTower.Testing;

namespace TwoTower.Cli.Tests;

public class DbScriptTests
{
    [Fact]
    public async Task The_script_comes_as_it_is_and_nothing_else_with_it()
    {
        Assert.Equal(SchemaScript.Write("extensions").TrimEnd(), (await TwotowerProcess.RunAsync("db", "script")).Out.ReplaceLineEndings("\n").TrimEnd());
        var json = await TwotowerProcess.RunAsync("db", "script", "--vector-schema", "public", "--json");
        Assert.Equal(SchemaScript.Write("public"), JsonDocument.Parse(json.Out).RootElement.GetProperty("script").GetString());
    }
}
