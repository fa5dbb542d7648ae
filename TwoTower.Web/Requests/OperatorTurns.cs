using Microsoft.Extensions.Options;
using TwoTower.Postgres.Serving;

namespace TwoTower.Web.Requests;

/// <summary>Metadata of an operators' endpoint that takes long by what it does: seconds to minutes, by the size of the catalogue.</summary>
internal sealed class TakesLong;

/// <summary>Metadata of an operators' endpoint that takes its turns itself: it reads or writes the connection all the while.</summary>
internal sealed class TakesItsOwnTurns;

/// <summary>
/// The turns of operators at the database, beside those of users: a crowd of users shuts no operator out, and operators don't slow users
/// down. What is begun goes on to its end when the client hangs up, since Npgsql's cancellation holds a thread (<see cref="RequestSlots"/>).
/// </summary>
internal sealed class OperatorTurns(IOptions<ServingLimits> limits, TimeProvider time) : IDisposable
{
    /// <summary>Short requests at once.</summary>
    public const int ShortAtOnce = 8;

    /// <summary>Long requests at once.</summary>
    public const int LongAtOnce = 4;

    private const int ShortWaiting = 16;

    private readonly RequestSlots _short = new(Options.Create(new ServingLimits
    {
        Deadline = limits.Value.Deadline,
        ConcurrentRequests = ShortAtOnce,
        WaitingRequests = ShortWaiting,
    }), time);

    private readonly RequestSlots _long = new(Options.Create(new ServingLimits
    {
        Deadline = limits.Value.OperatorDeadline,
        ConcurrentRequests = LongAtOnce,
        WaitingRequests = 0,
    }), time);

    /// <summary>Does what takes a moment, by the deadline of every request.</summary>
    /// <param name="work">Gets a token that is never cancelled: its statements end by themselves.</param>
    /// <param name="left">The client has left.</param>
    /// <exception cref="RequestShedException">There was no turn, or no time.</exception>
    public Task<T> ShortAsync<T>(Func<CancellationToken, Task<T>> work, CancellationToken left) =>
        _short.RunAsync(_ => work(CancellationToken.None), left);

    /// <summary>Does what takes long, by <see cref="ServingLimits.OperatorDeadline"/>.</summary>
    /// <param name="work">Gets a token that is cancelled at that deadline, whatever becomes of the client.</param>
    /// <param name="left">The client has left.</param>
    /// <exception cref="RequestShedException">There was no turn, or no time.</exception>
    public Task<T> LongAsync<T>(Func<CancellationToken, Task<T>> work, CancellationToken left) => _long.RunAsync(async _ =>
    {
        using var over = Deadline();
        return await work(over.Token);
    }, left);

    /// <summary>Is cancelled when a long request's time is over, counted from now.</summary>
    public CancellationTokenSource Deadline() => new(limits.Value.OperatorDeadline, time);

    /// <inheritdoc/>
    public void Dispose()
    {
        _short.Dispose();
        _long.Dispose();
    }
}

/// <summary>
/// Gives every operators' endpoint its turn, by its metadata, and its handler the token of that turn in place of the client's: none passes
/// the client's on to the database by mistake.
/// </summary>
internal sealed class OperatorTurn(OperatorTurns turns) : IEndpointFilter
{
    public async ValueTask<object?> InvokeAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        var (left, metadata) = (context.HttpContext.RequestAborted, context.HttpContext.GetEndpoint()!.Metadata);
        if (metadata.GetMetadata<TakesItsOwnTurns>() is not null) return await next(context);
        return metadata.GetMetadata<TakesLong>() is null ? await turns.ShortAsync(RunAsync, left) : await turns.LongAsync(RunAsync, left);

        async Task<object?> RunAsync(CancellationToken token)
        {
            for (var i = 0; i < context.Arguments.Count; i++)
            {
                if (context.Arguments[i] is CancellationToken) context.Arguments[i] = token;
            }

            return await next(context);
        }
    }
}
