using Mono.Cecil;

namespace TwoTower.Architecture.Tests;

/// <summary>Finds in compiled assemblies who makes database commands and who reads columns by their place.</summary>
internal static class DatabaseCalls
{
    private static readonly string[] Commands = ["Npgsql.NpgsqlCommand", "Npgsql.NpgsqlBatch", "Npgsql.NpgsqlBatchCommand"];
    private static readonly string[] Readers = ["Npgsql.NpgsqlDataReader", "System.Data.Common.DbDataReader"];

    /// <summary>The types that do it, by their names. COPY has classes of its own, and is left alone.</summary>
    public static IEnumerable<string> Of(ModuleDefinition module) => Callers(module, IsOne);

    /// <summary>The types that read the codes of a server's errors.</summary>
    public static IEnumerable<string> OfErrorCodes(ModuleDefinition module) => Callers(
        module, called => called.Name == "get_SqlState"
            && called.DeclaringType.FullName is "Npgsql.PostgresException" or "System.Data.Common.DbException");

    private static IEnumerable<string> Callers(ModuleDefinition module, Func<MethodReference, bool> isOne) =>
        from type in module.GetTypes()
        where type.Methods.Where(method => method.HasBody)
            .SelectMany(method => method.Body.Instructions).Select(instruction => instruction.Operand).OfType<MethodReference>().Any(isOne)
        select Outermost(type).FullName;

    private static bool IsOne(MethodReference called) =>
        (called.Name == ".ctor" && Commands.Contains(called.DeclaringType.FullName))
        || called.Name is "CreateCommand" or "CreateBatch"
        || (Readers.Contains(called.DeclaringType.FullName)
            && called.Parameters is [{ ParameterType.MetadataType: MetadataType.Int32 }, ..]);

    private static TypeDefinition Outermost(TypeDefinition type) => type.DeclaringType is { } outer ? Outermost(outer) : type;
}
