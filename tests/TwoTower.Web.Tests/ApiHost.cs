using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using TwoTower.Testing;
using TwoTower.Web.Problems;

namespace TwoTower.Web.Tests;

/// <summary>
/// The API on a real Kestrel and a free port, over a database of its own. <c>TWOTOWER_TEST_POOLER="Port=6432;No Reset On Close=true"</c>
/// sends its connections, and only its, through a transaction pooler in front of the same server.
/// </summary>
internal sealed class ApiHost : IAsyncDisposable
{
    private readonly WebApplication _app;

    private ApiHost(WebApplication app, string address)
    {
        _app = app;
        Address = new Uri(address);
        Client = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false }) { BaseAddress = Address };
    }

    public Uri Address { get; }

    public HttpClient Client { get; }

    public IServiceProvider Services => _app.Services;

    public static Task<ApiHost> StartAsync(
        TestDatabase db, Dictionary<string, string?>? settings = null, Action<WebApplicationBuilder>? configure = null) =>
        StartAsync(db.ConnectionString, settings, configure);

    public static async Task<ApiHost> StartAsync(
        string connectionString, Dictionary<string, string?>? settings = null, Action<WebApplicationBuilder>? configure = null)
    {
        var app = ApiApplication.Create(["--urls", "http://127.0.0.1:0"], builder =>
        {
            builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
            {
                ["ConnectionStrings:twotower"] = $"{connectionString};{Environment.GetEnvironmentVariable("TWOTOWER_TEST_POOLER")}",
                ["Logging:LogLevel:Default"] = "None",
            });
            if (settings is not null) builder.Configuration.AddInMemoryCollection(settings);
            configure?.Invoke(builder);
        });
        await app.StartAsync();
        return new(app, app.Urls.Single());
    }

    /// <summary>GET as JSON; the status must be as expected.</summary>
    public async Task<JsonElement> GetAsync(string path, int status = 200, string? problem = null) =>
        await ReadAsync(await Client.GetAsync(path), status, problem);

    /// <summary>POST of a JSON body, which is answered as JSON.</summary>
    public async Task<JsonElement> PostAsync(string path, object body, int status, string? problem = null) =>
        await ReadAsync(await Client.PostAsJsonAsync(path, body), status, problem);

    /// <summary>An answer's JSON.</summary>
    /// <param name="problem">The name of its type; null: any that there is.</param>
    public static async Task<JsonElement> ReadAsync(HttpResponseMessage response, int status, string? problem = null)
    {
        var text = await response.Content.ReadAsStringAsync();
        Assert.True((int)response.StatusCode == status, $"{(int)response.StatusCode} instead of {status}: {text}");
        if (status >= 400)
        {
            Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
            Assert.Equal(status, JsonElement.Parse(text).GetProperty("status").GetInt32());
            var type = JsonElement.Parse(text).GetProperty("type").GetString()!;
            if (problem is not null) Assert.Equal(ProblemKind.Prefix + problem, type);
            Assert.Contains(type, ProblemKind.Types);
            if (status == 503) Assert.NotNull(response.Headers.RetryAfter);
        }

        return JsonElement.Parse(text);
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await _app.StopAsync();
        await _app.DisposeAsync();
    }
}
